/**
 * Answers interactions that the gateway's thread has acknowledged (K5), and refuses people without
 * the right to a command or a component (X4a).
 *
 * The thread acknowledges in a request of its own. The answer may overtake that request, and
 * Discord then does not know the interaction's webhook yet, so it is tried again. The answer to a
 * command replaces the deferral, so a command that is answered twice shows one answer.
 *
 * An acknowledgement that came too late leaves no webhook, and an expired token closes it. The
 * person then gets the answer by direct message, and at once if Discord refuses it. While Discord
 * cannot be reached, the answer is tried as long as the token lives.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import type { ComponentUse, SlashCommand, UnreadInteraction } from "../../core/inbound/inbound.ts";
import { isTokenRefused, RestError } from "../../discord/rest/exchange/exchange.ts";
import { createInteractions } from "../../discord/rest/requests/messages.ts";
import { keepNewest } from "../../lib/cache.ts";
import { failedText, MAY_NOT_WRITE, REFUSED_HERE } from "../../render/sentences.ts";
import { answerDirectly, completeCommand, tokenEndsAt } from "../deliver/left_commands.ts";
import { isAnswerRefused, isPrivileged } from "../inbound/interactions.ts";
import { stopTurns } from "../inbound/stored.ts";

/** The ways to answer at Discord; each rejects if Discord refuses. */
export const answersOf: (account: BotAccount) => ReturnType<typeof createInteractions> = perAccount(
  "interactions",
  (account) => createInteractions(account.rest, (one) => isPrivileged(account, one)),
);

/** Milliseconds between tries: as long as Discord takes an acknowledgement, 3 s in all. */
const RETRY_MS: readonly number[] = [50, 200, 750, 2_000];

/** Milliseconds before the first further try while Discord cannot be reached; each next one doubles. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;

/**
 * Gives an answer.
 *
 * @param content The text of the answer, for a person whom the interaction's webhook does not reach;
 * absent if that person needs none.
 * @param give Sends the answer through the interaction's webhook.
 * @returns The result of `give`; `undefined` if the person has the text in another way.
 * @throws {unknown} If Discord refuses the answer, as a rejection.
 */
export async function giveAnswer<Given>(
  account: BotAccount,
  interaction: SlashCommand | ComponentUse | (UnreadInteraction & { readonly sender?: undefined }),
  content: string | undefined,
  give: () => Promise<Given>,
): Promise<Given | undefined> {
  const { now, stopping } = account;
  const { id, sender, kind } = interaction;
  const endsAt = tokenEndsAt(id);
  let failure: ReturnType<typeof failureOf>;
  for (let failures = 0; now() < endsAt; failures++) {
    try {
      return await give();
    } catch (error) {
      failure = failureOf(account, error, interaction);
      const waitMs = failure === "unreachable"
        ? waitAfter(failures)
        : failure === "unknown"
        ? RETRY_MS[failures]
        : undefined;
      if (stopping.aborted) throw error; // the next start ends what is left over
      if (waitMs === undefined) {
        if (!failure || content === undefined) throw error;
        break;
      }
      await pause(account, waitMs);
    }
  }
  if (content === undefined || !sender) return undefined;
  const isStopped = failure === "forbidden" && await stopQuestion(account, id);
  try {
    await answerOnceReached(account, sender.id, isStopped ? MAY_NOT_WRITE : content);
  } finally {
    const isThinking = failure === "rejected" && (kind === "slash" || kind === "modal");
    if (isThinking) await completeCommand(account, interaction, REFUSED_HERE);
  }
  return undefined;
}

/** Answers an interaction that does not fit; the log says why by the id of the answer. Never rejects. */
export async function answerUnread(account: BotAccount, unread: UnreadInteraction): Promise<void> {
  const { id, why, isThinking } = unread;
  account.log.warn("Cannot read an interaction", { interactionId: id, why });
  const { complete, reply } = answersOf(account);
  const answer: (...given: Parameters<typeof reply>) => Promise<unknown> = isThinking
    ? complete
    : reply;
  try {
    await giveAnswer(account, unread, undefined, () => answer(unread, failedText(id)));
  } catch (error) {
    account.log.warn("Cannot answer an interaction", { interactionId: id, error });
  }
}

async function answerOnceReached(account: BotAccount, userId: UserId, text: string): Promise<void> {
  for (let failures = 0;; failures++) {
    try {
      return await answerDirectly(account, userId, text);
    } catch (error) {
      const mayPass = error instanceof RestError && !isTokenRefused(error);
      if (account.stopping.aborted || !mayPass) throw error;
      await pause(account, waitAfter(failures));
    }
  }
}

const waitAfter = (failures: number) => Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);

const pause = ({ schedule }: BotAccount, waitMs: number) =>
  new Promise<void>((resolve) => void schedule(resolve, waitMs));

/**
 * `unknown` if Discord does not know that the interaction was acknowledged, or does not yet;
 * `forbidden` also if it has refused the acknowledgement itself; `rejected` if it takes no such answer,
 * and `unauthorized` no answer at all; `unreachable` if it may take it later.
 */
function failureOf(account: BotAccount, error: unknown, { id }: { readonly id: string }) {
  if (!(error instanceof RestError)) return undefined;
  switch (error.kind) {
    case "forbidden":
    case "rejected":
    case "unauthorized":
      return error.kind;
    case "not_found":
      return isAnswerRefused(account, id) ? "forbidden" : "unknown";
    default:
      return "unreachable";
  }
}

/** Stops the turn of a question that Discord permits no answer to. */
async function stopQuestion(account: BotAccount, id: string): Promise<boolean> {
  const messageId = parseSnowflake<"message">(id);
  const why = "Discord refuses answers in its place";
  const { accountId } = account;
  return messageId !== undefined &&
    await stopTurns(account, { accountId, only: { messageId, why } }) > 0;
}

/** Milliseconds in which a person reads one refusal of a press, and causes one line of the log. */
const TOLD_EVERY_MS = 60_000;

/** Maximum number of requests for refusals in a second, of all people together. */
const REFUSALS_PER_SEC = 10;

/** The part of them for people who have read a refusal within a minute. */
const REPEATS_PER_SEC = REFUSALS_PER_SEC / 2;

const refusals = perAccount("interactions", () => ({
  toldAt: new Map<UserId, number>(),
  second: { from: -Infinity, requests: 0 },
}));

/**
 * Decides the next refusal of a person. The first one is told. A second press within a minute has no
 * effect, because the refusal is still on the screen; a command and a form get the words, because
 * Discord shows "is thinking" there. Few requests a second go to refusals, so they delay no answer to
 * other people.
 *
 * `tell`: the person reads it. `repeat`: so does the person, and
 * the log gets no line. `nothing`: it costs no request.
 *
 * @param isThinking Whether Discord shows the person that an answer will follow.
 */
export function nextRefusal(
  account: BotAccount,
  userId: UserId,
  isThinking: boolean,
): "tell" | "repeat" | "nothing" {
  const { toldAt } = refusals(account);
  const at = account.now();
  const told = toldAt.get(userId);
  const wasTold = told !== undefined && Math.abs(at - told) < TOLD_EVERY_MS;
  const hasRoom = (isThinking || !wasTold) &&
    mayRequest(account, at, wasTold ? REPEATS_PER_SEC : REFUSALS_PER_SEC);
  if (!hasRoom) return "nothing";
  if (wasTold) return "repeat";
  keepNewest(toldAt, userId, at, TOLD_EVERY_MS / 1_000 * REFUSALS_PER_SEC);
  return "tell";
}

function mayRequest(account: BotAccount, at: number, perSec: number): boolean {
  const { second } = refusals(account);
  if (Math.abs(at - second.from) >= 1_000) Object.assign(second, { from: at, requests: 0 });
  if (second.requests >= perSec) return false;
  second.requests++;
  return true;
}
