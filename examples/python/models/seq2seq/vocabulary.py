"""The words of a date in English, and the characters of a date in ISO 8601."""

UNITS = "one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
DAYS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
    " sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
).split()
MONTHS = "january february march april may june july august september october november december".split()

SOS_TOKEN, EOS_TOKEN = 0, 1
INPUT_WORDS = ["<sos>", "<eos>", *UNITS, *TEENS, *TENS, *DAYS, *MONTHS, "the", "of", "hundred", "thousand", "and", "oh"]
OUTPUT_CHARACTERS = ["<sos>", "<eos>", *"0123456789-"]

# The longest date ("the twenty first of january two thousand and twenty nine") has ten words and an end.
MAX_LENGTH = 12
HIDDEN_SIZE = 64
