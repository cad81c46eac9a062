/** Instructions of the lite interpreter, bytecode version 8. Source: torch/csrc/jit/runtime/instruction.h and .cpp (`isOpSupportedInMobile`). */
export const OPCODES = [
  'OP', 'OPN', 'LOAD', 'MOVE', 'STOREN', 'STORE', 'DROP', 'DROPR', 'LOADC', 'JF', 'JMP', 'LOOP', 'RET', 'GET_ATTR', 'SET_ATTR',
  'LIST_CONSTRUCT', 'TUPLE_CONSTRUCT', 'WARN', 'INTERFACE_CALL', 'LIST_UNPACK', 'TUPLE_SLICE', 'DICT_CONSTRUCT',
  'NAMED_TUPLE_CONSTRUCT', 'CREATE_OBJECT', 'ISINSTANCE', 'CALL', 'RAISE_EXCEPTION', 'UNCHECKED_CAST', '__IS__', 'UN_INITIALIZED',
  '__ISNOT__', 'FORMAT', 'DEVICE', 'DICT_INDEX', 'DTYPE', 'TUPLE_INDEX', 'DIM', '__NOT__', 'TO_LIST', 'NUM_TO_TENSOR', 'IS_CUDA',
] as const

/** The name of an instruction. */
export type Opcode = (typeof OPCODES)[number]

/** The operator an instruction stands for, as facts count it. Instructions that only move values stand for none. */
export const OPERATOR_OF_OPCODE: Partial<Record<Opcode, string>> = {
  JF: 'prim::If', LOOP: 'prim::Loop', SET_ATTR: 'prim::SetAttr', LIST_CONSTRUCT: 'prim::ListConstruct', WARN: 'aten::warn',
  TUPLE_CONSTRUCT: 'prim::TupleConstruct', NAMED_TUPLE_CONSTRUCT: 'prim::TupleConstruct', INTERFACE_CALL: 'prim::CallMethod',
  LIST_UNPACK: 'prim::ListUnpack', TUPLE_SLICE: 'prim::TupleSlice', DICT_CONSTRUCT: 'prim::DictConstruct',
  CREATE_OBJECT: 'prim::CreateObject', ISINSTANCE: 'prim::isinstance', CALL: 'prim::CallFunction',
  RAISE_EXCEPTION: 'prim::RaiseException', UNCHECKED_CAST: 'prim::unchecked_cast', __IS__: 'aten::__is__',
  UN_INITIALIZED: 'prim::Uninitialized', __ISNOT__: 'aten::__isnot__', FORMAT: 'aten::format', DEVICE: 'prim::device',
  DICT_INDEX: 'aten::__getitem__.Dict', DTYPE: 'prim::dtype', TUPLE_INDEX: 'prim::TupleIndex', DIM: 'aten::dim', __NOT__: 'aten::__not__',
  TO_LIST: 'prim::tolist', NUM_TO_TENSOR: 'prim::NumToTensor.Scalar', IS_CUDA: 'prim::is_cuda',
}
