/**
 * Gives the first answers to interactions in the gateway's thread (K5, T13a), and bounds how many each
 * person gets (X4a).
 *
 * If an interaction is not acknowledged within three seconds, Discord tells its user that it
 * failed. The main thread may be busy for longer. So this thread defers the answer to each command,
 * submitted form, button and menu when it arrives, and the main thread answers later. The main
 * thread sends no first answer, so none is sent twice.
 *
 * A form must be the first answer to the press of its button. So the main thread gives this thread
 * the open forms before their buttons are sent. To open a form changes nothing: the store checks the
 * submitted form (SEC-R19).
 *
 * Discord lets a program press buttons and give commands as fast as it likes, whatever its rights
 * are. Each of them costs an acknowledgement, a message to the main thread and a decision. So the
 * thread drops those beyond the bound, without an acknowledgement. Discord tells the person that
 * they failed.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction}
 * @see {@link https://docs.discord.com/developers/components/reference#label}
 */

import {
  InteractionResponseTypes,
  InteractionTypes,
  MessageComponentTypes,
  MessageFlags,
} from "@discordeno/types";
import { readSnowflake } from "../../../core/discord/ids.ts";
import {
  FIELD,
  type Form,
  MAX_FIELD_CHARS,
  type OfferedForm,
} from "../../../core/people/question.ts";
import type { Clock, StartTimer } from "../../../lib/clock.ts";
import { codeOf } from "../../../lib/errors.ts";
import { bounded, isRecord, parseForeignJson } from "../../../lib/text/quoted.ts";

/** The type of the dispatches that {@link createAcknowledge} takes. */
export const INTERACTION_CREATE = "INTERACTION_CREATE";

/** A message that only the user sees will follow. */
const DEFERRED = JSON.stringify({
  type: InteractionResponseTypes.DeferredChannelMessageWithSource,
  data: { flags: MessageFlags.Ephemeral },
});

/** The component's message stays as it is, until the main thread changes it. */
const DEFERRED_UPDATE = JSON.stringify({ type: InteractionResponseTypes.DeferredUpdateMessage });

/**
 * Creates the function that acknowledges interactions.
 *
 * @returns A function that takes an INTERACTION_CREATE as JSON, and returns whether the main thread
 * gets it; it never throws.
 */
export function createAcknowledge(
  callback: Callback,
  isPressed: Forms["pressed"],
  take: InteractionLimit["take"],
): (dispatch: string) => boolean {
  function answerFirst(d: Record<string, unknown>): void {
    const { token } = d;
    const id = readSnowflake(d.id);
    if (id === undefined || typeof token !== "string") return;
    switch (Number(d.type)) {
      case InteractionTypes.ApplicationCommand:
      case InteractionTypes.ModalSubmit:
        return callback({ id, token }, DEFERRED);
      case InteractionTypes.MessageComponent: {
        const press = pressIn(d);
        const isForm = press !== undefined && isPressed({ id, token, ...press });
        if (!isForm) callback({ id, token }, DEFERRED_UPDATE);
      }
    }
  }

  return (dispatch) => {
    const parsed = parseForeignJson(dispatch); // the main thread reads the same text, and logs problems
    const d = isRecord(parsed) ? parsed.d : undefined;
    if (!isRecord(d)) return true;
    if (!take(userIn(d) ?? "")) return false;
    answerFirst(d);
    return true;
  };
}

/** In a guild, only the member counts. */
function userIn({ member, user }: Record<string, unknown>): string | undefined {
  const person = isRecord(member) ? member.user : user;
  return isRecord(person) ? readSnowflake(person.id) : undefined;
}

/** @returns `undefined` for other components, and for an unexpected shape. */
function pressIn(d: Record<string, unknown>) {
  const { data } = d;
  if (!isRecord(data) || Number(data.component_type) !== MessageComponentTypes.Button) {
    return undefined;
  }
  const channelId = readSnowflake(d.channel_id);
  const { custom_id: customId } = data;
  const userId = userIn(d);
  const isWhole = typeof customId === "string" && channelId !== undefined &&
    userId !== undefined;
  return isWhole ? { customId, channelId, userId } : undefined;
}

export const INTERACTION_WINDOW_MS = 10_000;

/** Interactions of a person in a window; a person who types an option causes several a second. */
export const PER_PERSON = 40;

/** Interactions of all people in a window from which on each person has {@link PER_PERSON_FLOODED}. */
export const FLOODED_FROM = 1_000;

/**
 * Interactions of a person in a window while many people send many. The first of an owner or approver
 * makes the main thread admit them, so this must be more than one.
 */
export const PER_PERSON_FLOODED = 2;

/**
 * Creates the bound for one account, without any interaction so far.
 *
 * @param onDropped Called at the end of a window in which interactions were dropped.
 */
export function createInteractionLimit(
  { steadyNow, schedule }: {
    /** Milliseconds of a monotonic clock. */
    readonly steadyNow: () => number;
    readonly schedule: StartTimer;
  },
  onDropped: (dropped: { readonly interactions: number; readonly people: number }) => void,
) {
  const counts = new Map<string, number>();
  const admitted = new Set<string>();
  let from = -Infinity;
  let total = 0;
  let dropped: { interactions: number; readonly people: Set<string> } | undefined;

  function drop(userId: string, leftMs: number): void {
    if (!dropped) {
      dropped = { interactions: 0, people: new Set() };
      schedule(() => {
        const { interactions = 0, people = new Set() } = dropped ?? {};
        dropped = undefined;
        onDropped({ interactions, people: people.size });
      }, leftMs);
    }
    dropped.interactions++;
    dropped.people.add(userId);
  }

  return {
    /** Counts an interaction. @returns Whether it is taken; otherwise it must be dropped. */
    take(userId: string): boolean {
      const now = steadyNow();
      if (now - from >= INTERACTION_WINDOW_MS) {
        from = now;
        total = 0;
        counts.clear();
        admitted.clear();
      }
      const count = counts.get(userId) ?? 0;
      const isFlooded = total >= FLOODED_FROM && !admitted.has(userId);
      const isTaken = count < (isFlooded ? PER_PERSON_FLOODED : PER_PERSON);
      if (!isTaken) drop(userId, from + INTERACTION_WINDOW_MS - now);
      else {
        total++;
        counts.set(userId, count + 1);
      }
      return isTaken;
    },
    /** Takes {@link PER_PERSON} of this person until the window ends, however many others send. */
    admit: (userId: string): void => void admitted.add(userId),
  };
}

export type InteractionLimit = ReturnType<typeof createInteractionLimit>;

/** The press of a button, as the gateway tells it. */
export interface Press {
  readonly id: string;
  /** Answers the interaction: a secret. */
  readonly token: string;
  readonly customId: string;
  readonly channelId: string;
  readonly userId: string;
}

/** Creates the forms: none. */
export function createForms(callback: Callback, now: Clock["now"]) {
  let offered: ReadonlyMap<string, OfferedForm> = new Map();
  return {
    set: (forms: readonly OfferedForm[]): void =>
      void (offered = new Map(forms.map((form) => [form.customId, form]))),
    /** Opens the form of a pressed button. @returns Whether there is one for this person. */
    pressed({ id, token, customId, channelId, userId }: Press): boolean {
      const form = offered.get(customId);
      if (!form || form.channelId !== channelId || form.expiresAt <= now()) return false;
      if (form.asked !== "anyone" && !form.asked.includes(userId)) return false;
      callback({ id, token }, modalAnswer(customId, form.form));
      return true;
    },
  };
}

export type Forms = ReturnType<typeof createForms>;

/** Discord's numbers of a label and of a text input, and of the input's style of one line. */
const LABEL = 18;
const TEXT_INPUT = 4;
const SHORT = 1;

const MAX_TITLE = 45;

/**
 * The answer to an interaction that opens a form.
 *
 * @param customId Comes back with the submitted form.
 */
export function modalAnswer(customId: string, { title, label }: Form): string {
  const component = {
    type: TEXT_INPUT,
    custom_id: FIELD,
    style: SHORT,
    required: true,
    max_length: MAX_FIELD_CHARS,
  };
  return JSON.stringify({
    type: InteractionResponseTypes.Modal,
    data: {
      custom_id: customId,
      title: oneLine(title),
      components: [{ type: LABEL, label: oneLine(label), component }],
    },
  });
}

function oneLine(text: string): string {
  return bounded(text.replace(/\s+/g, " ").trim(), MAX_TITLE) || "…";
}

/** Answers an interaction with a body of JSON; never throws. */
type Callback = (
  interaction: { readonly id: string; readonly token: string },
  body: string,
) => void;

/** Milliseconds after which an answer would be too late. */
const TIMEOUT_MS = 3_000;

/** Maximum number of tries, because Discord or the connection may fail. */
const MAX_TRIES = 2;

/**
 * Overrides `BUN_CONFIG_VERBOSE_FETCH`, by which Bun would print the interaction's token (SEC-R9). In
 * a thread, only this option of a request does.
 */
const UNLOGGED: object = { verbose: false };

/**
 * Creates the function that answers interactions.
 *
 * @param onDone Takes the HTTP status, or why there is none, and the interaction's id; never its token.
 */
export function createCallback(
  { restUrl, userAgent }: { readonly restUrl: string; readonly userAgent: string },
  fetch: typeof globalThis.fetch,
  onDone: (outcome: string, isDone: boolean, id: string) => void,
): Callback {
  async function send(url: string, body: string, signal: AbortSignal): Promise<number> {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": userAgent },
      body,
      redirect: "manual",
      signal,
      ...UNLOGGED,
    });
    await response.body?.cancel(); // otherwise the connection could not be reused
    return response.status;
  }

  async function answer(id: string, token: string, body: string): Promise<void> {
    const path = `/interactions/${encodeURIComponent(id)}/${encodeURIComponent(token)}/callback`;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let outcome = "";
    for (let tries = 0; tries < MAX_TRIES && !signal.aborted; tries++) {
      try {
        const status = await send(restUrl + path, body, signal);
        outcome = String(status);
        // After a RESUME that replays an interaction, Discord refuses the second answer with 400.
        if (status < 500) return onDone(outcome, status < 300 || status === 400, id);
      } catch (error) {
        outcome = codeOf(error) ?? "no answer"; // the message may quote the URL with the token
      }
    }
    onDone(outcome, false, id);
  }

  return ({ id, token }, body) => void answer(id, token, body);
}
