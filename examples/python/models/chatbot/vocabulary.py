"""The words that the chatbot knows."""

from typing import List

SOS_TOKEN, EOS_TOKEN, UNKNOWN = 0, 1, 2
HIDDEN_SIZE, LAYERS = 32, 2
MAX_LENGTH = 12

WORDS = ["<sos>", "<eos>", "<unknown>", *"""
a age all always am an and animal animals another any are as at back bar be best better big book bored break but bye
call can cats come did do does dogs drink drops early eat ever feel fine for friend funny glad glass go going good
goodbye has have hear hello help here hi how human hungry i idea in into is it its joke kind know knows la large late
later learn like listen little live look loop loses machine made may me mode model morning much music my name network
neural never new nice night nobody not of old on one only or out outside page petal photo please pytorch rain raining
read robot sad see shape sing sleep small smaller so something song songs soon sorry soup stupid take talk teach tell
tensor tensors than thank thanks that the then there they think thirsty this time tired to today tomorrow too train
trained training umbrella very walk walks was water weather welcome well what when where which who will window with
writes wrong you younger your , . ?
""".split()]
INDEX = {word: index for index, word in enumerate(WORDS)}


def encode(text: str) -> List[int]:
    """A sentence, lower-case and with spaces between words and marks, as numbers; EOS ends it."""
    return [*(INDEX.get(word, UNKNOWN) for word in text.split()), EOS_TOKEN]
