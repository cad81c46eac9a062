/** How a field lies in a table: a number, or an offset (`ref`) to a string, a vector, a table, or a struct of a union. */
export type FieldType = 'bool' | 'u8' | 'i8' | 'u32' | 'i32' | 'f64' | 'ref'

/** Bytes of each kind of field, which are its alignment, too. */
export const FIELD_BYTES: Readonly<Record<FieldType, number>> = { bool: 1, u8: 1, i8: 1, u32: 4, i32: 4, f64: 8, ref: 4 }

/** At byte 4 of every file. */
export const FILE_IDENTIFIER = 'PTMF'

/**
 * The tables of torch/csrc/jit/serialization/mobile_bytecode.fbs: fields in the order of their numbers. A union is two of them, its
 * kind and what it refers to. Indices (`u32`) are places in the module's `ivalues` or `object_types`.
 */
export const TABLES: Readonly<Record<TableName, Readonly<Record<string, FieldType>>>> = {
  Module: {
    bytecode_version: 'u32', extra_files: 'ref', methods: 'ref', state_obj: 'u32', ivalues: 'ref', storage_data_size: 'i32',
    storage_data: 'ref', object_types: 'ref', jit_sources: 'ref', jit_constants: 'ref', operator_version: 'u32', mobile_ivalue_size: 'u32',
  },
  IValue: { val_type: 'u8', val: 'ref' },
  TensorMetadata: {
    storage_location_index: 'u32', scalar_type: 'i8', storage_offset: 'i32', sizes: 'ref', strides: 'ref', requires_grad: 'bool',
    quantized_schema: 'ref',
  },
  QuantizedSchema: { qscheme: 'i8', scale: 'f64', zero_point: 'i32', scales: 'ref', zero_points: 'ref', axis: 'i32' },
  String: { data: 'ref' },
  Device: { str: 'ref' },
  List: { items: 'ref', annotation_str: 'ref' },
  IntList: { items: 'ref' },
  DoubleList: { items: 'ref' },
  BoolList: { items: 'ref' },
  Tuple: { items: 'ref' },
  Dict: { keys: 'ref', values: 'ref', annotation_str: 'ref' },
  ObjectType: { type_name: 'ref', type: 'u8', attr_names: 'ref' },
  Object: { type_index: 'u32', state: 'u32', attrs: 'ref', setstate_func: 'u32' },
  EnumValue: { type_name: 'ref', value: 'u32' },
  Operator: { name: 'ref', overload_name: 'ref', num_args_serialized: 'i32' },
  Arg: { name: 'ref', type: 'ref', default_value: 'u32' },
  Schema: { arguments: 'ref', returns: 'ref' },
  DebugInfo: { debug_handle: 'ref' },
  Function: {
    qn: 'ref', instructions: 'ref', operators: 'ref', constants: 'ref', type_annotations: 'ref', register_size: 'i32', schema: 'ref',
    debug_info: 'ref', class_type: 'u32',
  },
  StorageData: { data: 'ref' },
  ExtraFile: { name: 'ref', content: 'ref' },
}

/** The name of a table. */
export type TableName = 'Module' | 'IValue' | 'TensorMetadata' | 'QuantizedSchema' | 'String' | 'Device' | 'List' | 'IntList' | 'DoubleList' | 'BoolList'
  | 'Tuple' | 'Dict' | 'ObjectType' | 'Object' | 'EnumValue' | 'Operator' | 'Arg' | 'Schema' | 'DebugInfo' | 'Function' | 'StorageData' | 'ExtraFile'

/** What a field is when it is not there: 0, but for this one. */
export const NO_ARGS_KNOWN = -1

/** The kinds of values, by their number: 0 is None, the structs Int, Bool, Double and ComplexDouble are numbers, others are tables. */
export const IVALUE_KINDS = [
  'NONE', 'Int', 'Bool', 'Double', 'ComplexDouble', 'TensorMetadata', 'String', 'List', 'Tuple', 'Dict', 'Object', 'IntList', 'DoubleList',
  'BoolList', 'Device', 'EnumValue', 'Function',
] as const

/** The name of a kind of value. */
export type IValueKind = (typeof IVALUE_KINDS)[number]

/** How objects are made, by number. */
export const OBJECT_KINDS = { classWithField: 1, customClass: 2, classWithSetState: 3 } as const

/** c10::QScheme (c10/core/QScheme.h). */
export const QSCHEMES = { per_tensor_affine: 0, per_channel_affine: 1, per_channel_affine_float_qparams: 4 } as const

/** Instructions are structs: opcode (1 byte, and 1 of padding), n (2 bytes), x (4 bytes). */
export const INSTRUCTION_BYTES = 8

/** Loaders use storages where they lie, and want them at multiples of this (jit/mobile/file_format.h, `kFlatbufferDataAlignmentBytes`). */
export const STORAGE_ALIGNMENT = 16

/** Opcodes in the order of their numbers. Source: torch/csrc/jit/runtime/instruction.h (`FORALL_OPCODES`). */
export const OPCODE_NUMBERS: readonly string[] = [
  'OP', 'OPN', 'LOAD', 'MOVE', 'STOREN', 'STORE', 'DROP', 'DROPR', 'LOADC', 'JF', 'JMP', 'LOOP', 'RET', 'WAIT', 'CALL', 'GUARD',
  'TYPECHECK', 'FAIL_GUARD', 'PROFILE_OP', 'TAIL_CALL', 'INTERFACE_CALL', 'GET_ATTR', 'SET_ATTR', 'LIST_UNPACK', 'TUPLE_CONSTRUCT',
  'NAMED_TUPLE_CONSTRUCT', 'LIST_CONSTRUCT', 'DICT_CONSTRUCT', 'CREATE_OBJECT', 'ISINSTANCE', 'TUPLE_SLICE', 'TUPLE_INDEX',
  'RAISE_EXCEPTION', 'DICT_INDEX', 'UNCHECKED_CAST', '__IS__', 'UN_INITIALIZED', '__ISNOT__', 'FORMAT', 'DEVICE', 'DTYPE', 'DIM',
  '__NOT__', 'TO_LIST', 'NUM_TO_TENSOR', 'IS_CUDA', 'FORK', 'WARN', 'ENTER', 'EXIT',
]
