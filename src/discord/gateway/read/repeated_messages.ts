/**
 * Reads messages in their short form (`link/repeats.ts`), and decides for which messages the gateway
 * thread uses it.
 *
 * A short form only says that a message equals an earlier one but for id, text, time, nonce and
 * position. It contains no verdict: each message is judged by the policy and the facts of now. So a
 * form that outlives a change of the policy delays a message, and can do nothing else.
 *
 * The thread may use a form until a batch says that it does not, so the form is kept until then.
 */

import { parseSnowflake } from "../../../core/discord/ids.ts";
import type { InboundMessage, RepeatedMessage } from "../../../core/inbound/inbound.ts";
import { type DecodeContext, decodeMessage, repeatOf } from "../decode/decode.ts";
import { keyIn, repeatFormOf, type RepeatForms, type ShortMessage } from "../link/repeats.ts";

interface KnownForm {
  /** The data as JSON. */
  readonly text: string;
  /** The message as last decoded, and what it was decoded by. */
  last?: Pick<DecodeContext, "self" | "index"> & { readonly message: InboundMessage };
}

/** Maximum number of forms: 2 kB each in either thread. */
const FORMS_MAX = 1_500;
/** Maximum number of authors in channels that are counted. */
const AUTHORS_MAX = 10_000;

/** Creates the state of an account without forms. */
export function createRepeatedMessages() {
  const forms = new Map<number, KnownForm>();
  /** Messages that arrived whole and may repeat, by channel and author. */
  const counts = new Map<string, number>();
  /** The data of the current batch's messages. */
  const payloads = new Map<InboundMessage, unknown>();
  let added: RepeatForms["forms"] = [];
  let next = 1;
  let from = 1;
  let isTold = true;
  let lastFrom = 0;

  /** Makes the thread send each message whole. */
  function forget(): void {
    if (forms.size === 0) return;
    counts.clear();
    added = [];
    from = next;
    isTold = false;
  }

  /** The thread may have missed a form, so it is sent again, ever more seldom. */
  function isDue(key: string): boolean {
    if (counts.size >= AUTHORS_MAX) counts.clear();
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count > 1 && (count & (count - 1)) === 0;
  }

  return {
    /**
     * Begins a batch.
     *
     * @param told See `Batch.repeatsFrom`.
     */
    begin(told: number | undefined = 0): void {
      payloads.clear();
      if (told < lastFrom) forget(); // another thread, which knows no forms
      if (told > lastFrom) {
        for (const number of forms.keys()) if (number < told) forms.delete(number);
      }
      lastFrom = told;
    },
    /** Notes the data of a message that has arrived whole. */
    arrived: (message: InboundMessage, d: unknown): void => void payloads.set(message, d),
    /**
     * Reads a short form.
     *
     * @returns `undefined` if the whole message would be no event, or a problem.
     * @throws {TypeError} If no such form was sent to the thread, so that the message is lost. After a
     * restart, Discord sends it again.
     */
    read(
      [number, idText, content]: ShortMessage,
      context: DecodeContext,
    ): RepeatedMessage | undefined {
      const form = forms.get(number);
      if (!form) {
        throw new TypeError(`The gateway thread repeats message ${number}, which is unknown`);
      }
      const { text, last } = form;
      const id = parseSnowflake<"message">(idText);
      if (!id) return undefined;
      if (last && last.index === context.index && last.self === context.self) {
        return repeatOf(last.message, id, content);
      }
      const message = decodeMessage(JSON.parse(text), context);
      if (message?.kind !== "message") return undefined;
      form.last = { self: context.self, index: context.index, message };
      return repeatOf(message, id, content);
    },
    /**
     * Tells whether a message of the current batch was ignored in such a way that the next one by its
     * author will probably be ignored, too.
     */
    judged(message: InboundMessage, mayRepeat: boolean): void {
      const d = payloads.get(message);
      if (d === undefined) {
        if (!mayRepeat) forget(); // it was a short form
        return;
      }
      const key = mayRepeat ? keyIn(d) : undefined;
      if (key === undefined || !isDue(key)) return;
      const form = repeatFormOf(next, d);
      if (!form) return;
      if (next - from >= FORMS_MAX) forget();
      forms.set(next++, { text: JSON.stringify(d) });
      added = [...added, form];
      isTold = false;
    },
    /** Takes what the thread has yet to know; `undefined` if that is nothing. */
    take(): RepeatForms | undefined {
      if (isTold) return undefined;
      const change = { from, forms: added };
      added = [];
      isTold = true;
      return change;
    },
  };
}
