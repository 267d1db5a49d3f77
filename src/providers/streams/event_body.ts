/**
 * Reads a body of server-sent events, or of one JSON object from servers that do not stream. The
 * first visible character tells which of them it is.
 */

import { createParser } from "eventsource-parser";

/**
 * Creates the reader of one body.
 *
 * @param take Takes the data of an event and its type, or the whole object.
 */
export function createEventBody(take: (data: string, type?: string) => void) {
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent: ({ event, data }) => take(data, event) });
  let isStream: boolean | undefined; // until the first visible character
  let unread = "";

  return {
    /**
     * Reads the next bytes.
     *
     * @param bytes `undefined` at the body's end.
     * @param isComplete Whether no further event is needed.
     */
    read(bytes: Uint8Array | undefined, isComplete: boolean): void {
      unread += bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
      if (isStream === undefined) unread = unread.trimStart();
      if (unread !== "") isStream ??= !/^[{[]/.test(unread);
      if (isStream) {
        // Some servers leave out the last empty line.
        parser.feed(bytes || isComplete ? unread : `${unread}\n\n`);
        unread = "";
      } else if (!bytes && isStream === false) take(unread);
    },
  };
}
