// The zip file format (PKWARE's APPNOTE.TXT, section 4.3): sizes of the fixed parts, in bytes, and the signatures they begin with.

export const LOCAL_HEADER_SIZE = 30
export const LOCAL_SIGNATURE = 0x04034b50
export const DESCRIPTOR_SIGNATURE = 0x08074b50
export const ENTRY_SIZE = 46
export const ENTRY_SIGNATURE = 0x02014b50
export const END64_SIZE = 56
export const END64_SIGNATURE = 0x06064b50
export const LOCATOR_SIZE = 20
export const LOCATOR_SIGNATURE = 0x07064b50
export const END_SIZE = 22
export const END_SIGNATURE = 0x06054b50
/** Identifier of the extra field that has the numbers which do not fit. */
export const ZIP64_EXTRA = 1
/** Stand where a number does not fit; its long form is elsewhere. */
export const SATURATED_16 = 0xffff
export const SATURATED_32 = 0xffffffff
