/**
 * `barnacle pairing`: who waits to be let in, and letting them in or not (P3).
 *
 * It works on the store itself, beside a bot that runs or without one: the bot asks the same tables
 * of each message, and sends what a person is told as soon as it hears the bell (`host/files/doorbell.ts`).
 *
 * @module
 */

import { type AccountId, parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import {
  MAX_WRONG_CODES,
  type PairingOutcome,
  type PairingRequest,
  readCode,
} from "../../core/inbound/pairing.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import type { Store } from "../../store/store.ts";
import { inColumns } from "../shared/columns.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Io } from "../terminal/io.ts";
import { ageOf } from "../delivery/outbox.ts";
import { welcomesOf } from "./messages.ts";
import { readConfigLeniently, shown } from "../shared/read_config.ts";
import { accountsIn } from "../shared/which_account.ts";
import { timeText } from "../why/text.ts";
import { withStore } from "../shared/with_store.ts";

export interface PairingFlags extends CommonFlags {
  /** One account's only. */
  readonly account?: string;
}

const NO_STORE =
  "nobody has asked to be let in: there is no store yet; name its directory by --data";

/** Lists who waits, and who was let in. */
export function list(flags: PairingFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const now = Date.now();
    const pending: PairingRequest[] = [];
    const paired = [];
    const accounts = store ? await accountsIn(store.gateway, flags.account) : [];
    for (const accountId of accounts) {
      pending.push(...await store?.pairing.requests(accountId, now) ?? []);
      paired.push(...await store?.pairing.paired(accountId) ?? []);
    }
    if (flags.json) {
      // What a button is known by lets in whoever knows it.
      const shownOnes = pending.map(({ buttons: _, ...rest }) => rest);
      io.out(JSON.stringify({ pending: shownOnes, paired }));
      return EXIT.done;
    }
    const whose = (accountId: AccountId) => accounts.length > 1 ? [accountId] : [];
    if (pending.length === 0) io.err("Nobody waits to be let in.");
    const rows = pending.map(({ accountId, code, username, userId, createdAt, expiresAt }) => [
      code,
      username,
      userId,
      ...whose(accountId),
      `asked ${agoText(now - createdAt)}, good for ${minutesText(expiresAt - now)}`,
    ]);
    const known = paired.map(({ accountId, username, userId, pairedAt, pairedBy }) => [
      "paired",
      username,
      userId,
      ...whose(accountId),
      `${timeText(pairedAt)} by ${pairedBy}`,
    ]);
    for (const line of inColumns([...rows, ...known])) io.out(line);
    return EXIT.done;
  });
}

/** @param words A code, or `discord` and a code. */
export function decide(
  how: "approve" | "deny",
  flags: PairingFlags,
  words: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const code = codeOf(words);
  if (code === undefined) {
    io.problem(`it takes one code, as \`barnacle pairing ${how} K7XQ2MPR\``);
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store) => {
    const loaded = await readConfigLeniently(flags.config, io.env);
    if (loaded.kind === "refused") {
      io.err(shown(loaded.problems, io));
      return EXIT.config;
    }
    if (!store) {
      io.problem(`${NO_STORE}`);
      return EXIT.failed;
    }
    const accounts = await accountsIn(store.gateway, flags.account);
    const asking = await whoAsks(store, accounts, code);
    if (asking) io.err(`${personText(asking)} is to be ${DONE[how]}`);
    const outcome = await decideIn(store, asking ? [asking.accountId] : accounts, {
      by: { code },
      how,
      decidedBy: "cli",
      notify: welcomesOf(loaded.config),
    });
    if (outcome.kind === "approved" && loaded.config.dmScope === "main") {
      const paired = await store.pairing.paired(outcome.request.accountId);
      if (paired.length > 1) io.err(SHARED_MEMORY);
    }
    return report(how, outcome, flags, io);
  });
}

/** Of the second person, and of each one after (S1). */
const SHARED_MEMORY = "All who write to the bot directly share one memory: it may tell one what " +
  "another said. `barnacle config set session.dmScope per-channel-peer` keeps them apart";

/** Takes a pairing back. */
export function revoke(flags: PairingFlags, user: string, io: Io): Promise<ExitCode> {
  const userId = userOf(user);
  if (!userId) {
    io.problem(`${quoted(user)} is no user's id; \`barnacle pairing list\` shows them`);
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store) => {
    const revoked = [];
    for (const accountId of store ? await accountsIn(store.gateway, flags.account) : []) {
      const paired = await store?.pairing.revoke(accountId, userId, Date.now());
      if (paired) revoked.push(paired);
    }
    if (flags.json) io.out(JSON.stringify({ revoked }));
    else {
      for (const one of revoked) io.out(`${personText(one)} is a stranger again`);
    }
    if (revoked.length > 0) return EXIT.done;
    io.problem(`user ${userId} is not paired; \`barnacle pairing list\` shows paired users`);
    return EXIT.failed;
  });
}

/** `K7XQ2MPR`, or `discord K7XQ2MPR`; in groups, too. */
function codeOf(words: readonly string[]): string | undefined {
  const [first = "", ...rest] = words;
  const code = (/^discord$/i.test(first) ? rest : words).join("");
  return code === "" ? undefined : code;
}

function userOf(text: string): UserId | undefined {
  const target = parseTarget(text);
  return target.kind === "user" ? target.userId : parseSnowflake<"user">(text.trim());
}

async function whoAsks(
  store: Store,
  accounts: readonly AccountId[],
  text: string,
): Promise<PairingRequest | undefined> {
  const code = readCode(text);
  for (const accountId of accounts) {
    const requests = await store.pairing.requests(accountId, Date.now());
    const asking = requests.find((request) => request.code === code);
    if (asking) return asking;
  }
  return undefined;
}

type DecideRequest = Omit<Parameters<Store["pairing"]["decide"]>[0], "accountId" | "now">;

/** Nobody's code is a wrong one for each account that it may have been for. */
async function decideIn(
  store: Store,
  accounts: readonly AccountId[],
  asked: DecideRequest,
): Promise<PairingOutcome> {
  let outcome: PairingOutcome = { kind: "unknown", wrongInRow: 0 };
  for (const accountId of accounts) {
    outcome = await store.pairing.decide({ ...asked, accountId, now: Date.now() });
    if (outcome.kind !== "unknown") return outcome;
  }
  return outcome;
}

const DONE = { approve: "let in", deny: "turned away" } as const;

function report(
  how: "approve" | "deny",
  outcome: PairingOutcome,
  { json }: PairingFlags,
  io: Io,
): ExitCode {
  const { text, code } = reportOf(how, outcome, Date.now());
  if (json) io.out(JSON.stringify(toPublic(outcome)));
  else if (code === EXIT.done) io.out(text);
  else io.problem(`${text}`);
  return code;
}

/** Without what the buttons are known by. */
function toPublic(outcome: PairingOutcome): object {
  if (!("request" in outcome)) return outcome;
  const { buttons: _, ...request } = outcome.request;
  return { ...outcome, request };
}

function reportOf(
  how: "approve" | "deny",
  outcome: PairingOutcome,
  now: number,
): { readonly text: string; readonly code: ExitCode } {
  switch (outcome.kind) {
    case "approved":
      return {
        text: `${personText(outcome.request)} may write to the bot directly now, and is told so`,
        code: EXIT.done,
      };
    case "denied":
      return { text: `${personText(outcome.request)} was turned away`, code: EXIT.done };
    case "unknown": {
      const left = MAX_WRONG_CODES - outcome.wrongInRow;
      const then = left > 0
        ? `${left} more wrong ${left === 1 ? "one closes" : "ones in a row close"} it for a minute`
        : "no code is taken for a minute now";
      return {
        text: `nobody waits with this code; ${then}; \`barnacle pairing list\` shows the codes`,
        code: EXIT.failed,
      };
    }
    case "closed":
      return {
        text: `too many codes were wrong: none is taken for ${
          Math.max(1, Math.ceil((outcome.until - now) / 1_000))
        } s more; a button in the owner's direct messages still works`,
        code: EXIT.tryAgain,
      };
    case "expired":
      return {
        text:
          `the code of ${personText(outcome.request)} has expired; when they write to the bot ` +
          "again they get another",
        code: EXIT.failed,
      };
    case "already":
      return {
        text: `somebody has decided about ${personText(outcome.request)} already, so nobody was ` +
          DONE[how],
        code: EXIT.failed,
      };
  }
}

/** Both the name, which anybody may take, and the id, which nobody can. */
function personText(
  { username, userId }: { readonly username: string; readonly userId: UserId },
): string {
  return `${printable(username)} (${userId})`;
}

function agoText(ms: number): string {
  const age = ageOf(ms);
  return age === "now" ? "just now" : `${age} ago`;
}

function minutesText(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 60_000))} min`;
}
