// Runs the nodes of an ONNX graph with tfjs: its operators called directly, images kept channels-last, activations fused into convolutions.
/* global tf */

/**
 * Uploads the weights and plans the graph. Integers that only compute shapes stay JavaScript arrays.
 * @returns {(input: { data: Float32Array, dims: number[] }) => Float32Array}
 */
export function lower({ nodes, weights, inputs, outputs }, binary) {
  const uses = new Map()
  for (const name of [...nodes.flatMap((node) => node.inputs), ...outputs]) uses.set(name, (uses.get(name) ?? 0) + 1)
  const constants = new Map()
  const raw = (name) => read(weights[name], binary)
  for (const [name, { dims, dtype }] of Object.entries(weights)) {
    constants.set(name, dtype === 'int64' ? { ints: [...raw(name)].map(Number), rank: dims.length } : { tensor: tf.tensor(raw(name), dims) })
  }
  const isRelu6 = ({ op, inputs: [, low, high] }) => op === 'Clip' && raw(low)[0] === 0 && raw(high)[0] === 6
  const steps = fuse(nodes, uses, isRelu6).map((node) => {
    const operator = OPERATORS[node.op]
    if (!operator) throw new Error(`no lowering of ${node.op}`)
    return Object.assign(node, prepare(node, constants.get(node.inputs[1])?.tensor), { operator })
  })
  return ({ data, dims }) => tf.tidy(() => {
    const values = new Map(constants)
    values.set(inputs[0], dims.length === 4 ? { tensor: tf.transpose(tf.tensor(data, dims), [0, 2, 3, 1]), image: true } : { tensor: tf.tensor(data, dims) })
    for (const step of steps) {
      const args = step.inputs.map((name) => values.get(name))
      const integers = INTEGERS[step.op]
      const value = integers && args.every((arg) => arg?.ints) ? { ints: integers(args.map(({ ints }) => ints), step) } : step.operator(args, step)
      values.set(step.outputs[0], value)
    }
    return plain(values.get(outputs[0])).dataSync()
  })
}

function read({ dtype, offset, bytes }, binary) {
  const part = binary.slice(offset, offset + bytes)
  if (dtype === 'int64') return new BigInt64Array(part)
  if (dtype === 'float32') return new Float32Array(part)
  if (dtype === 'bool') return new Uint8Array(part)
  throw new Error(`no ${dtype} weights`)
}

/** An activation that alone uses a convolution's result becomes part of it. */
function fuse(nodes, uses, isRelu6) {
  const kept = []
  const convolutions = new Map()
  for (const node of nodes.filter(({ op }) => op !== 'prim::Constant')) {
    const conv = convolutions.get(node.inputs[0])
    const activation = node.op === 'Relu' ? 'relu' : conv && isRelu6(node) ? 'relu6' : undefined
    if (conv && activation && uses.get(node.inputs[0]) === 1) {
      Object.assign(conv, { activation, outputs: node.outputs })
      convolutions.delete(node.inputs[0])
      continue
    }
    const copy = { ...node }
    if (node.op === 'Conv') convolutions.set(node.outputs[0], copy)
    kept.push(copy)
  }
  return kept
}

/** Weights as tfjs wants them: filters OIHW as HWIO, depthwise as HWIM; matrices with columns of outputs. */
function prepare({ op, attributes }, weight) {
  if (op === 'Conv') return { filter: tf.transpose(weight, attributes.group === 1 ? [2, 3, 1, 0] : [2, 3, 0, 1]) }
  return op === 'Gemm' && attributes.transB ? { weight: tf.transpose(weight) } : {}
}

/** The tensor in PyTorch's order of dimensions. */
const plain = ({ tensor, image }) => image ? tf.transpose(tensor, [0, 3, 1, 2]) : tensor
const of = (tensor) => ({ tensor })

/** Elementwise with broadcasting: both as images where one is. */
const binary = (apply) => ([a, b]) => {
  if (!a.image && !b.image) return of(apply(number(a), number(b)))
  return { tensor: apply(channelsLast(a), channelsLast(b)), image: true }
}
const channelsLast = (value) => value.image || value.tensor.rank === 0 ? value.tensor : tf.transpose(value.tensor, [0, 2, 3, 1])
const number = (value) => value.ints ? tf.tensor(value.ints, value.rank === 0 ? [] : [value.ints.length], 'float32') : value.tensor
const unary = (apply) => ([x]) => ({ ...x, tensor: apply(x.tensor) })

const padding = ({ attributes: { pads = [0, 0, 0, 0] } }) => [[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]]

function conv([x, , bias], { filter: weight, activation, attributes, ...step }) {
  const { strides, dilations, group } = attributes
  const options = { x: x.tensor, filter: weight, strides, dilations, pad: padding({ attributes, ...step }), bias: bias?.tensor, activation }
  if (group === 1) return { tensor: tf.fused.conv2d(options), image: true }
  if (group !== x.tensor.shape[3]) throw new Error('no lowering of grouped convolutions')
  return { tensor: tf.fused.depthwiseConv2d(options), image: true }
}

function maxPool([x], { attributes }) {
  const { kernel_shape: size, strides, pads = [0, 0, 0, 0], ceil_mode: ceil } = attributes
  // ceil_mode without padding: as "valid" on an image that is large enough.
  const extra = (axis) => ceil ? (strides[axis] - (x.tensor.shape[axis + 1] + 2 * pads[axis] - size[axis]) % strides[axis]) % strides[axis] : 0
  const around = [[pads[0], pads[2] + extra(0)], [pads[1], pads[3] + extra(1)]]
  const padded = around.flat().some(Boolean) ? tf.pad(x.tensor, [[0, 0], ...around, [0, 0]], -3.4e38) : x.tensor
  return { tensor: tf.maxPool(padded, size, strides, 'valid'), image: true }
}

function gemm([a, b, c], { weight = b.tensor }) {
  return of(tf.add(tf.matMul(plain(a), weight), c.tensor))
}

function matMul([a, b]) {
  // One matrix for all of a batch: one product.
  if (b.tensor.rank === 2 && a.tensor.rank > 2) {
    const rows = tf.reshape(a.tensor, [-1, a.tensor.shape.at(-1)])
    return of(tf.reshape(tf.matMul(rows, b.tensor), [...a.tensor.shape.slice(0, -1), b.tensor.shape[1]]))
  }
  return of(tf.matMul(a.tensor, b.tensor))
}

const bound = (value, size) => Math.max(0, Math.min(size, value < 0 ? value + size : value))

function slice([x, starts, ends, axes]) {
  const { shape } = x.tensor ?? { shape: [x.ints.length] }
  const begin = shape.map(() => 0)
  const end = [...shape]
  axes.ints.forEach((axis, i) => {
    const at = axis < 0 ? axis + shape.length : axis
    begin[at] = bound(starts.ints[i], shape[at])
    end[at] = bound(ends.ints[i], shape[at])
  })
  return x.ints ? { ints: x.ints.slice(begin[0], end[0]) } : of(tf.slice(x.tensor, begin, end.map((value, i) => value - begin[i])))
}

const OPERATORS = {
  Conv: conv,
  MaxPool: maxPool,
  Gemm: gemm,
  MatMul: matMul,
  Slice: slice,
  Relu: unary((x) => tf.relu(x)),
  Clip: ([x, low, high]) => ({ ...x, tensor: tf.clipByValue(x.tensor, low.tensor.dataSync()[0], high.tensor.dataSync()[0]) }),
  Sigmoid: unary((x) => tf.sigmoid(x)),
  HardSigmoid: unary((x) => tf.clipByValue(tf.add(tf.mul(x, 1 / 6), 0.5), 0, 1)),
  HardSwish: unary((x) => tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6))),
  Sqrt: unary((x) => tf.sqrt(x)),
  Erf: unary((x) => tf.erf(x)),
  Add: binary((a, b) => tf.add(a, b)),
  Sub: binary((a, b) => tf.sub(a, b)),
  Mul: binary((a, b) => tf.mul(a, b)),
  Div: binary((a, b) => tf.div(a, b)),
  // Only the square in a variance occurs in these models; another power would show as an error.
  Pow: ([a]) => of(tf.square(a.tensor)),
  Softmax: ([x]) => of(tf.softmax(x.tensor)),
  GlobalAveragePool: ([x]) => ({ tensor: tf.mean(x.tensor, [1, 2], true), image: true }),
  ReduceMean: ([x], { attributes: { axes } }) => of(tf.mean(x.tensor, axes.map((axis) => axis < 0 ? axis + x.tensor.rank : axis), true)),
  Concat: (args, { attributes: { axis } }) => args[0].image
    ? { tensor: tf.concat(args.map(({ tensor }) => tensor), [0, 3, 1, 2][axis]), image: true }
    : of(tf.concat(args.map(plain), axis)),
  Flatten: ([x]) => of(tf.reshape(plain(x), [x.tensor.shape[0], -1])),
  Reshape: ([x, { ints }]) => of(tf.reshape(plain(x), ints.map((size, i) => size === 0 ? x.tensor.shape[i] : size))),
  Transpose: ([x], { attributes: { perm } }) => of(tf.transpose(plain(x), perm)),
  // A size of 1 leaves the tensor's own.
  Expand: ([x, { ints }]) => of(tf.broadcastTo(x.tensor, x.tensor.shape.map((size, i) => Math.max(size, ints[i])))),
  Shape: ([x]) => ({ ints: plain(x).shape }),
  ConstantOfShape: ([{ ints }]) => ({ ints: Array(ints[0]).fill(1) }),
  Gather: ([x, { ints }], { attributes: { axis } }) => of(tf.gather(x.tensor, tf.scalar(ints[0], 'int32'), axis)),
  Equal: () => { throw new Error('no lowering of Equal of tensors') },
  Where: () => { throw new Error('no lowering of Where of tensors') },
}

const each = (apply) => ([a, b]) => (a.length >= b.length ? a : b).map((_, i) => apply(a[a.length > 1 ? i : 0], b[b.length > 1 ? i : 0]))
/** Of integers that compute shapes. */
const INTEGERS = {
  Add: each((a, b) => a + b), Mul: each((a, b) => a * b), Div: each((a, b) => Math.trunc(a / b)), Equal: each((a, b) => Number(a === b)),
  Gather: ([values, at]) => at.map((i) => values.at(i)),
  Where: ([condition, a, b]) => condition.map((yes, i) => yes ? a[i] : b[i]),
}
