import digits from '../models/digits.pt?mobile'
import plain from '../models/digits.pt?mobile&block=conv_bn_fusion'

document.querySelector('#models').textContent = `${digits.source.name} ships as ${digits.bytes} bytes; with less done to it, as ${plain.bytes}.`
