/**
 * The answer to a program while the model writes it (O14).
 *
 * A program cannot take text back. So only words that stay are sent: those before the last blank, of
 * a text without secrets, thinking and tags. If the whole answer turns out to begin otherwise, it
 * follows whole.
 */

import type { DraftStream } from "../../../flows/turn/progress/drafts.ts";
import type { StartTimer } from "../../../lib/clock.ts";

/** Milliseconds between two parts. */
const EVERY_MS = 40;

/** Between the text before a tool's call, and the next one. */
const GAP = "\n\n";

/**
 * Creates the stream.
 *
 * @param emit Gets each new part.
 */
export function createCallStream(
  { harmlessPart, schedule, isRead }: {
    readonly harmlessPart: (text: string) => string;
    readonly schedule: StartTimer;
    /** Whether a program reads parts now. Without one, the model may be asked again (L3). */
    readonly isRead: () => boolean;
  },
  emit: (part: string) => void,
) {
  let sent = "";
  /** The sent part of the text that grows now. */
  let current = "";

  function send(part: string): void {
    const whole = current === "" && sent !== "" && part !== "" ? GAP + part : part;
    sent += whole;
    emit(whole);
  }

  return {
    begin(visible: (text: string) => string): DraftStream {
      let written = "";
      let cancel: (() => void) | undefined;

      function show(): void {
        cancel = undefined;
        if (!isRead()) return;
        const shown = visible(harmlessPart(written));
        const stays = shown.slice(0, shown.search(/\S*$/));
        if (stays.length <= current.length || !stays.startsWith(current)) return;
        send(stays.slice(current.length));
        current = stays;
      }

      return {
        grow(soFar) {
          if (!soFar.startsWith(written)) current = ""; // the text after a tool's call
          written = soFar;
          cancel ??= schedule(show, EVERY_MS);
        },
        isShown: () => sent !== "",
        end() {
          cancel?.();
          return Promise.resolve();
        },
      };
    },
    sent: (): string => sent,
    restOf(answer: string): string {
      if (answer === "") return "";
      if (answer.startsWith(current)) {
        const rest = answer.slice(current.length);
        return current === "" && sent !== "" && rest !== "" ? GAP + rest : rest;
      }
      return sent === "" ? answer : GAP + answer;
    },
  };
}
