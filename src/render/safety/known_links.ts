/**
 * Remembers the addresses that people and tools wrote in a conversation (R9).
 *
 * Texts are read only once an answer has an address that nothing else allows. Memory holds what the
 * model was shown, so the context window bounds it, and the transcript keeps it over restarts.
 *
 * An address in a tool's result counts only if the model did not write it before. Else the model
 * could give its own address to a tool, and get it back.
 */

import { spellingsOf, withoutEnd, writtenUrls } from "./addresses.ts";

/** Who wrote a text of a conversation. */
export type Writer = "person" | "tool" | "model";

export interface KnownLinks {
  /** Adds a text, after all that the conversation had before it. */
  add(writer: Writer, text: string): void;
  /** Whether a person or a tool wrote exactly this address. */
  has(address: string): boolean;
}

/** Longer addresses do not count. Discord takes no longer message. */
const MAX_LENGTH = 2_000;

/** Creates the memory of one turn. */
export function createKnownLinks(): KnownLinks {
  const texts: { readonly writer: Writer; readonly text: string }[] = [];
  const known = new Set<string>();
  const written = new Set<string>(); // by the model
  const read = (): void => {
    for (const { writer, text } of texts.splice(0)) {
      for (const url of urlsIn(text)) {
        if (writer === "model") written.add(url);
        else if (writer === "person" || !written.has(url)) known.add(url);
      }
    }
  };
  return {
    add(writer, text) {
      if (text.includes("://") || text.includes(":\\/\\/")) texts.push({ writer, text });
    },
    has(address) {
      read();
      return address.length <= MAX_LENGTH && known.has(address);
    },
  };
}

/** The addresses in a text. They may stand in JSON, HTML or Markdown. */
function urlsIn(text: string): readonly string[] {
  const plain = unescaped(text);
  return (plain === text ? [text] : [text, plain]).flatMap((one) => [
    ...writtenUrls(one),
    ...Array.from(one.matchAll(DELIMITED), ([address]) => withoutEnd(END, address))
      .flatMap(spellingsOf),
  ]);
}

/** An address without characters that no URL contains as they are: there, its notation ends it. */
const DELIMITED = /https?:\/\/(?:(?!https?:\/\/)[^\s<>"`{}|\\^[\]])*/gi;
const END = /[.,:;!?'*_~]{1,50}$/;

/** Undoes the escapes of JSON and HTML that addresses have. */
function unescaped(text: string): string {
  return text
    .replaceAll("\\/", "/")
    .replace(/\\u0026|&amp;|&#38;/gi, "&")
    .replace(/\\u003d/gi, "=");
}
