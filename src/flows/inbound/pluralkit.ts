/**
 * Decides messages that wait for PluralKit: those that it posted, and those that it may still
 * replace (P13).
 *
 * A member of a system speaks through a webhook, and PluralKit deletes the system's own message a
 * moment later. The webhook's message gets the turn, once PluralKit has named its author; the
 * original only if no message has replaced it. Messages by people that PluralKit has proxied before
 * wait two seconds for that.
 *
 * The store keeps waiting messages, so the next process continues with them. Every row is decided,
 * even if PluralKit was switched off since.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type InboundMessage } from "../../core/inbound/inbound.ts";
import {
  ignored,
  type Judged,
  type KnownFacts,
  type MessageOrigin,
  type UndecidedReason,
  type Verdict,
} from "../../core/inbound/inbox.ts";
import { createNewestSet } from "../../lib/cache.ts";
import {
  asMembers,
  createPluralkitClient,
  type PluralkitAnswer,
  type ProxiedMessage,
} from "../../pluralkit/client.ts";
import { PLURALKIT } from "../../policy/admission.ts";
import { judge, proxiedUsers, routeOf } from "../judging/judge.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { tellStored, waitingRules } from "./stored.ts";

/** A stored message without a decision. */
interface UndecidedRow extends Pick<Judged, "message" | "knownFacts" | "policyId"> {
  readonly why: UndecidedReason;
  /** One that waited over a restart counts as replayed. */
  readonly origin: MessageOrigin;
}

/** Milliseconds for which an original waits for its replacement. */
const ORIGINAL_MS = 2_000;
/** Maximum number of deleted or replaced messages to remember until they arrive. */
const MAX_REMOVED = 1_000;

interface Client extends ReturnType<typeof createPluralkitClient> {
  /** The settings that it has. */
  readonly by: string;
}

const stateOf = perAccount("pluralkit", (account) => ({
  log: account.log,
  retries: createRetryQueue("Cannot decide a message that waited for PluralKit", account),
  /** Originals that were deleted or replaced. */
  removed: createNewestSet<MessageId>(MAX_REMOVED),
  /** Originals that wait; `cancel` ends their timer. */
  originals: new Map<MessageId, { readonly row: UndecidedRow; readonly cancel: () => void }>(),
  client: undefined as Client | undefined,
  isStopped: false,
}));

/**
 * Knows proxied people, and decides the messages that the last process left. Await it before judging
 * any message.
 *
 * @throws {StoreError} As a rejection.
 */
export async function startPluralkit(account: BotAccount): Promise<void> {
  const { accountId, store: { inbox } } = account;
  for (const userId of await inbox.proxied(accountId)) proxiedUsers(account).add(userId);
  for (const row of await inbox.undecided(accountId)) {
    takeUndecided(account, { ...row, origin: "replayed" });
  }
}

/** Decides nothing more; the next start continues. */
export async function stopPluralkit(account: BotAccount): Promise<void> {
  const state = stateOf(account);
  state.isStopped = true;
  for (const { cancel } of state.originals.values()) cancel();
  state.originals.clear();
  state.client?.stop();
  await state.retries.stop();
}

/** These stored messages wait for a fact. */
export function waitForFacts(
  account: BotAccount,
  judged: readonly Judged[],
  origin: MessageOrigin,
): void {
  for (const { verdict, ...known } of judged) {
    if (verdict.kind !== "undecided" || stateOf(account).isStopped) continue;
    takeUndecided(account, { ...known, why: verdict.why, origin });
  }
}

/** These messages were deleted at Discord. */
export function originalsDeleted(account: BotAccount, messages: readonly MessageId[]): void {
  for (const id of messages) {
    const original = endOriginal(account, id);
    if (original) replace(account, original);
  }
}

function takeUndecided(account: BotAccount, row: UndecidedRow): void {
  switch (row.why) {
    case "pluralkit":
      return void ask(account, row.message, row.origin);
    case "pluralkit-original":
      return wait(account, row);
  }
}

async function ask(
  account: BotAccount,
  message: InboundMessage,
  origin: MessageOrigin,
): Promise<void> {
  const found = await lookUp(account, message.id);
  if (stateOf(account).isStopped) return; // an aborted request proves nothing: the next start asks
  const members = found.kind === "found" ? asMembers(message, found.proxied) : undefined;
  if (found.kind === "found" && members) {
    return acceptProxied(account, members, found.proxied, origin);
  }
  stateOf(account).log.info("A webhook's message has PluralKit's mark, and counts as a bot's", {
    messageId: message.id,
    channelId: message.channelId,
    why: found.kind === "failed" ? found.reason : found.kind === "none" ? "unknown" : "not its own",
  });
  decide(account, message, { pluralkit: found.kind === "failed" ? "failed" : "none" }, origin);
}

/** Asks PluralKit by the current config. Never rejects. */
async function lookUp(account: BotAccount, id: MessageId): Promise<PluralkitAnswer> {
  const { config, now, schedule, bot: { build: { version } } } = account;
  const { enabled, token: secret, apiUrl } = config().discord.pluralkit;
  if (!enabled) return { kind: "failed", reason: "PluralKit is switched off" };
  const state = stateOf(account);
  const token = secret?.reveal();
  const by = JSON.stringify([apiUrl, token]);
  if (state.client?.by !== by) {
    state.client?.stop();
    const client = createPluralkitClient({ fetch, apiUrl, token, version, now, schedule });
    state.client = { ...client, by };
  }
  return await state.client.lookUp(id);
}

function acceptProxied(
  account: BotAccount,
  message: InboundMessage,
  { original, sender }: ProxiedMessage,
  origin: MessageOrigin,
): void {
  const { accountId, store: { inbox }, now } = account;
  proxiedUsers(account).add(sender);
  endOriginal(account, original);
  const judged = judgeAgain(account, message, { pluralkit: "found" });
  stateOf(account).retries.add(async () => {
    // The original first, or both it and its replacement might be answered.
    await inbox.retract(accountId, original, replacedVerdict(account));
    await store(account, judged, origin);
    await inbox.noteProxied(accountId, sender, now());
  });
}

/** After a restart it waits anew: its replacement may arrive only with the RESUME. */
function wait(account: BotAccount, row: UndecidedRow): void {
  const { removed, originals } = stateOf(account);
  const { message, origin } = row;
  if (removed.has(message.id)) return replace(account, row);
  const cancel = account.schedule(() => {
    originals.delete(message.id);
    decide(account, message, { isUnproxied: true }, origin);
  }, ORIGINAL_MS);
  originals.set(message.id, { row, cancel });
}

/**
 * An original was deleted or replaced: ends its wait.
 *
 * @returns The original, if it waited.
 */
function endOriginal(account: BotAccount, id: MessageId): UndecidedRow | undefined {
  const { removed, originals } = stateOf(account);
  removed.add(id);
  const original = originals.get(id);
  originals.delete(id);
  original?.cancel();
  return original?.row;
}

function replace(
  account: BotAccount,
  { message, knownFacts, policyId, origin }: UndecidedRow,
): void {
  const judged = { message, verdict: replacedVerdict(account), knownFacts, policyId };
  stateOf(account).retries.add(() => store(account, judged, origin));
}

/** Not even context: PluralKit has posted the same text again. */
function replacedVerdict({ policy }: BotAccount): Extract<Verdict, { readonly kind: "ignore" }> {
  return ignored("pk-original", policy().policy.ruleOf(PLURALKIT));
}

function decide(
  account: BotAccount,
  message: InboundMessage,
  known: KnownFacts,
  origin: MessageOrigin,
): void {
  const judged = judgeAgain(account, message, known);
  stateOf(account).retries.add(() => store(account, judged, origin));
}

function judgeAgain(account: BotAccount, message: InboundMessage, known: KnownFacts): Judged {
  const judged = judge(account, message, known);
  const isAccepted = judged.verdict.kind === "accept";
  return { ...judged, message, route: isAccepted ? routeOf(account, message) : undefined };
}

async function store(account: BotAccount, judged: Judged, origin: MessageOrigin): Promise<void> {
  const { store: { inbox }, now } = account;
  tellStored(account, await inbox.decide(judged, now(), waitingRules(account, origin)));
}
