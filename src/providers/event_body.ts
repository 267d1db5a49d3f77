/**
 * Reads a body of server-sent events, or one that is no stream: JSON by its first visible character,
 * or a text without events.
 */

import { createParser } from "eventsource-parser";

/** Type of a body that is no stream. */
export const WHOLE = "whole body";

/** Maximum number of characters of such a body that is no JSON. */
const TEXT_MAX = 16_384;

/**
 * Creates the reader of one body.
 *
 * @param take Takes the data of an event and its type, or the whole body with the type {@link WHOLE}.
 */
export function createEventBody(take: (data: string, type?: string) => void) {
  const decoder = new TextDecoder();
  let hasEvents = false;
  const parser = createParser({
    onEvent({ event, data }) {
      hasEvents = true;
      take(data, event);
    },
  });
  let isStream: boolean | undefined; // until the first visible character
  let unread = "";
  let text = "";

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
        if (!hasEvents && text.length < TEXT_MAX) text += unread;
        // Some servers leave out the last empty line.
        parser.feed(bytes || isComplete ? unread : `${unread}\n\n`);
        unread = "";
        const isText = !bytes && !hasEvents && /^[^:\s]/m.test(text);
        if (isText) take(text, WHOLE);
      } else if (!bytes && isStream === false) take(unread, WHOLE);
    },
  };
}
