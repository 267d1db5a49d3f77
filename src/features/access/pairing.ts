/**
 * `barnacle pairing`: lists pairing requests, and approves, denies or revokes them (P3), with or
 * without a running bot.
 */

import { parseUser } from "../../core/outbound/target.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import {
  MAX_WRONG_CODES,
  type Paired,
  type PairingOutcome,
  type PairingRequest,
  readCode,
} from "../../core/inbound/pairing.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";
import { accountsIn, withStore } from "../../cli/shared/with_store.ts";
import { durationText, timeText } from "../../lib/text/units.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import type { Store } from "../../store/store.ts";
import { type BotConfig, forAccount, replyRulesOf } from "../../config/config.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { DEFAULT_UPLOAD_LIMIT_BYTES } from "../../discord/gateway/decode/guild_index.ts";
import { PAIRED } from "../../render/sentences.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";

/** Lists open requests and paired users. */
export function list(flags: AccountFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const now = Date.now();
    const accounts = await accountsIn(store.gateway, flags.account);
    const { pending, paired } = await pairingsOf(accounts, store.pairing, now);
    if (flags.json) {
      io.out(JSON.stringify({ pending, paired }));
      return EXIT.done;
    }
    const accountCell = (accountId: AccountId) => accounts.length > 1 ? [accountId] : [];
    if (pending.length === 0) io.err("No open pairing requests.");
    const rows = pending.map((request) => [
      request.code,
      request.username,
      request.userId,
      ...accountCell(request.accountId),
      timesText(request, now),
    ]);
    const known = paired.map(({ accountId, username, userId, pairedAt, pairedBy }) => [
      "paired",
      username,
      userId,
      ...accountCell(accountId),
      `${timeText(pairedAt)} by ${pairedBy}`,
    ]);
    printLines(inColumns([...rows, ...known]), io);
    return EXIT.done;
  });
}

/** A request without the ids of its buttons, which are secret: a press of one approves it. */
export type OpenRequest = Omit<PairingRequest, "buttons">;

/** Open requests and paired users of accounts. */
export async function pairingsOf(
  accounts: readonly AccountId[],
  pairing: Store["pairing"],
  now: number,
): Promise<{ readonly pending: readonly OpenRequest[]; readonly paired: readonly Paired[] }> {
  const pending: OpenRequest[] = [];
  const paired: Paired[] = [];
  for (const accountId of accounts) {
    const requests = await pairing.requests(accountId, now);
    pending.push(...requests.map(({ buttons: _, ...rest }) => rest));
    paired.push(...await pairing.paired(accountId));
  }
  return { pending, paired };
}

/** `"asked 2 min ago, expires in 58 min"`. */
export function timesText({ createdAt, expiresAt }: OpenRequest, now: number): string {
  return `asked ${durationText(now - createdAt)} ago, expires in ${durationText(expiresAt - now)}`;
}

/**
 * Approves or denies a request.
 *
 * @param words A code, or `discord` and a code.
 */
export function decide(
  how: "approve" | "deny",
  flags: AccountFlags,
  words: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const code = codeOf(words);
  if (code === undefined) {
    io.problem(`one code is needed: \`barnacle pairing ${how} K7XQ2MPR\``);
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store) => {
    const loaded = await readConfigLeniently(await configBefore(flags, io), io.env);
    if (tellRefused(loaded, io)) return EXIT.config;
    const accounts = await accountsIn(store.gateway, flags.account);
    const request = await requestOf(store, accounts, code);
    if (request) io.err(`${DOING[how]} ${personText(request)}`);
    const decided = await decideRequest(how, code, accounts, { store, config: loaded.config });
    if (decided.warning !== undefined) io.err(`Warning: ${decided.warning}`);
    if (flags.json) io.out(JSON.stringify(toPublic(decided.outcome)));
    else if (decided.code === EXIT.done) io.out(decided.text);
    else io.problem(decided.text);
    return decided.code;
  });
}

/** Decides the request with a code; an approved person hears of it. */
export async function decideRequest(
  how: "approve" | "deny",
  code: string,
  accounts: readonly AccountId[],
  { store, config }: { readonly store: Store; readonly config: BotConfig },
): Promise<{
  readonly outcome: PairingOutcome;
  /** The outcome in words. */
  readonly text: string;
  /** `EXIT.done` if it is decided now. */
  readonly code: ExitCode;
  /** The consequence that the operator may not want. */
  readonly warning?: string;
}> {
  const request = await requestOf(store, accounts, code);
  const outcome = await decideIn(store, request ? [request.accountId] : accounts, {
    by: { code },
    how,
    decidedBy: "cli",
    notify: request ? welcomeOf(request, config) : [],
  });
  const isShared = outcome.kind === "approved" && config.session.dmScope === "main" &&
    (await store.pairing.paired(outcome.request.accountId)).length > 1;
  return {
    ...reportOf(outcome, Date.now()),
    outcome,
    warning: isShared ? SHARED_MEMORY : undefined,
  };
}

/** For every paired user but the first (S1). */
const SHARED_MEMORY = "direct messages of all users share one conversation, so the bot may " +
  "repeat one user's words to another. To separate them: " +
  "`barnacle config set session.dmScope auto`";

export function revoke(flags: AccountFlags, user: string, io: Io): Promise<ExitCode> {
  const userId = parseUser(user);
  if (!userId) {
    io.problem(`${quoted(user)} is not a user id; \`barnacle pairing list\` shows the ids`);
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store) => {
    const accounts = await accountsIn(store.gateway, flags.account);
    const revoked = await unpair(userId, accounts, store.pairing);
    if (flags.json) io.out(JSON.stringify({ revoked }));
    else {
      for (const user of revoked) io.out(`Unpaired ${personText(user)}`);
    }
    if (revoked.length > 0) return EXIT.done;
    io.problem(`user ${userId} is not paired; \`barnacle pairing list\` shows paired users`);
    return EXIT.failed;
  });
}

/** Unpairs a user from accounts; returns the pairings that existed. */
async function unpair(
  userId: UserId,
  accounts: readonly AccountId[],
  pairing: Store["pairing"],
): Promise<readonly Paired[]> {
  const revoked: Paired[] = [];
  for (const accountId of accounts) {
    const paired = await pairing.revoke(accountId, userId);
    if (paired) revoked.push(paired);
  }
  return revoked;
}

/** Reads `K7XQ2MPR` or `discord K7XQ2MPR`; the code may have spaces. */
function codeOf(words: readonly string[]): string | undefined {
  const [first = "", ...rest] = words;
  const code = (/^discord$/i.test(first) ? rest : words).join("");
  return code === "" ? undefined : code;
}

async function requestOf(
  store: Store,
  accounts: readonly AccountId[],
  text: string,
): Promise<PairingRequest | undefined> {
  const code = readCode(text);
  for (const accountId of accounts) {
    const requests = await store.pairing.requests(accountId, Date.now());
    const request = requests.find((other) => other.code === code);
    if (request) return request;
  }
  return undefined;
}

/** An unknown code counts as a wrong attempt for each account. */
async function decideIn(
  store: Store,
  accounts: readonly AccountId[],
  request: Omit<Parameters<Store["pairing"]["decide"]>[0], "accountId" | "now">,
): Promise<PairingOutcome> {
  let outcome: PairingOutcome = { kind: "unknown", wrongInRow: 0 };
  for (const accountId of accounts) {
    outcome = await store.pairing.decide({ ...request, accountId, now: Date.now() });
    if (outcome.kind !== "unknown") return outcome;
  }
  return outcome;
}

const DOING = { approve: "Approving", deny: "Denying" } as const;

/** Removes the ids of the buttons, which are secret. */
function toPublic(outcome: PairingOutcome): object {
  if (!("request" in outcome)) return outcome;
  const { buttons: _, ...request } = outcome.request;
  return { ...outcome, request };
}

function reportOf(
  outcome: PairingOutcome,
  now: number,
): { readonly text: string; readonly code: ExitCode } {
  switch (outcome.kind) {
    case "approved":
      return {
        text: `Approved ${personText(outcome.request)}; the bot notifies them`,
        code: EXIT.done,
      };
    case "denied":
      return { text: `Denied ${personText(outcome.request)}`, code: EXIT.done };
    case "unknown": {
      const left = MAX_WRONG_CODES - outcome.wrongInRow;
      const then = left > 0
        ? `${left} more wrong ${left === 1 ? "code locks" : "codes lock"} approval for a minute`
        : "approval is locked for a minute";
      return {
        text: `unknown code; ${then}; \`barnacle pairing list\` shows the codes`,
        code: EXIT.failed,
      };
    }
    case "closed":
      return {
        text: `too many wrong codes: approval is locked for ${
          Math.max(1, Math.ceil((outcome.until - now) / 1_000))
        } s; the buttons in the owner's direct messages still work`,
        code: EXIT.tryAgain,
      };
    case "expired":
      return {
        text: `the code of ${
          personText(outcome.request)
        } has expired; their next message gets a new one`,
        code: EXIT.failed,
      };
    case "already":
      return {
        text: `the request of ${personText(outcome.request)} is already decided; nothing changed`,
        code: EXIT.failed,
      };
  }
}

/** The name, which anyone may take, and the id, which no one can. */
function personText(
  { username, userId }: { readonly username: string; readonly userId: UserId },
): string {
  return `${printable(username)} (${userId})`;
}

/** Composes the message to an approved user, in the texts of their account. */
function welcomeOf({ accountId, channelId }: PairingRequest, config: BotConfig): readonly Frozen[] {
  // An account whose token is in the service's environment may be missing in the user's shell.
  const account = config.accounts.find((other) => other.accountId === accountId) ??
    config.accounts[0];
  if (!account) return [];
  const token = account.token?.reveal();
  const clean = createSecretFilter(token === undefined ? [] : [token]);
  return composeSend(
    { accountId, channelId, text: PAIRED },
    replyRulesOf(forAccount(config, account), {
      cleanSecrets: (text) => clean(text).text,
      uploadLimit: DEFAULT_UPLOAD_LIMIT_BYTES,
    }),
  );
}
