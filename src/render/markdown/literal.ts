/** Writes characters so that Discord reads no mark in them. */

const SPECIAL = /[\\*_~`|<>#[\]]|(?<=^[^\S\n]*)[-+](?=\s|$)/gm;

/** A text of which Discord shows each character. */
export const literal = (text: string): string => text.replace(SPECIAL, "\\$&");
