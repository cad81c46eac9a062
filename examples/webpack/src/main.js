import model from '../../model/digits.pt?mobile'

const applied = model.optimizations.filter((one) => one.applied > 0)

const facts = {
  'Imported': `${model.source.name}, ${model.source.bytes.toLocaleString('en')} bytes`,
  'Ships as': `${model.format}, ${model.bytes.toLocaleString('en')} bytes`,
  'At': String(model),
  'Takes': model.inputs.map((input) => `${input.name}: ${input.type}`).join(', '),
  'Gives': model.outputs.map((output) => output.type).join(', '),
  'Optimized': applied.map((one) => `${one.name} ${one.applied}×`).join(', '),
  'SHA-256': model.sha256,
}

const list = document.querySelector('#facts')
for (const [term, value] of Object.entries(facts)) {
  list.append(Object.assign(document.createElement('dt'), { textContent: term }), Object.assign(document.createElement('dd'), { textContent: value }))
}
