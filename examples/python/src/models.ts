import type { ModelHandle } from 'unplugin-petal/handle'
import gate from '../models/decision_gate.py?convert=script&mobile'
import encoder from '../models/seq2seq/encoder.py?convert=trace&weights=./encoder.pth&input=int64[1x1]<30;1x1x64&mobile'
import decoder from '../models/seq2seq/decoder.py?convert=trace&weights=./decoder.pth&input=int64[1x1]<13;1x1x64;12x64&mobile'
import scriptedEncoder from '../models/seq2seq/encoder.py?convert=script&weights=./encoder.pth&mobile'
import scriptedDecoder from '../models/seq2seq/decoder.py?convert=script&weights=./decoder.pth&mobile'
import translator from '../models/seq2seq/translator.py?convert=script&entry=make_translator&mobile'
import chatbot from '../models/chatbot/searcher.py?convert=script&trace=encoder,decoder&entry=make_chatbot&weights=./chatbot.pth&mobile'
import shapes from '../models/shapes/shapes.py?convert=trace&weights=./shapes.pth&quantize=static&mobile'

/** An imported model and what the page says of it. */
export interface Example {
  readonly name: string
  readonly about: string
  readonly model: ModelHandle
}

export const EXAMPLES: readonly Example[] = [
  { name: 'Decision gate', about: 'Goes one way or the other by what is in its input: it has to be scripted.', model: gate },
  { name: 'Encoder, traced', about: 'Reads a date in words, one word a call; its hidden state goes around outside.', model: encoder },
  { name: 'Decoder, traced', about: 'Writes the date in digits, with attention on the words.', model: decoder },
  { name: 'Encoder, scripted', about: 'The same file, scripted: no example inputs are needed.', model: scriptedEncoder },
  { name: 'Decoder, scripted', about: 'The same file, scripted.', model: scriptedDecoder },
  { name: 'Translator', about: 'Encoder, decoder and both loops in one model.', model: translator },
  { name: 'Chatbot', about: 'A traced encoder and a traced decoder inside of a scripted search.', model: chatbot },
  { name: 'Shapes, in 8 bits', about: 'A convolutional network, quantized with images of its own file.', model: shapes },
]
