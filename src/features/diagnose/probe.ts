/**
 * `barnacle status --probe`: audits the bot's permissions at Discord, channel by channel (O3). It
 * resolves names of the config first.
 */

import { readOwnId } from "../../discord/rest/requests/application.ts";
import { examineGuilds } from "../../flows/preflight/examine.ts";
import { inColumns } from "../../cli/shared/columns.ts";
import { apiOf, ASK_MS, type Discord, openDiscord, tokenIn } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { withStoreIfAny } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { accessIn } from "../../cli/verdict/current_rules.ts";
import { type BotConfig, forAccount } from "../../config/config.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { GuildNames } from "../../core/inbound/inbound.ts";
import { permissionsToAsk } from "../../core/invite.ts";
import type { ResolvedName } from "../../core/names.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { namesOfGuild } from "../../discord/gateway/decode/decode.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { listChannels, listGuilds } from "../../discord/rest/requests/guild_reads.ts";
import type { Matched, UnfoundReason } from "../../flows/names/name_resolver.ts";
import { resolveNames } from "../../flows/names/name_resolver.ts";
import {
  type AuditedChannel,
  auditGuilds,
  lackText,
  listedIn,
  type PermissionAudit,
} from "../../flows/preflight/permissions.ts";
import { NO_TOKEN, whyUnknown } from "../../flows/preflight/discord.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type UnresolvedName, unresolvedNames, withNames } from "../../policy/rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import type { Store } from "../../store/store.ts";

export interface NameMapping extends Pick<UnresolvedName, "kind" | "typed" | "rule"> {
  /** The id; absent unless there is exactly one match. */
  readonly id?: string;
  /** Its current name. */
  readonly name?: string;
  /** The matches, if there are several. */
  readonly candidates?: readonly { readonly id: string; readonly name: string }[];
  /** The reason for having no id. */
  readonly why?: string;
}

interface NamesAsked {
  readonly accountId: AccountId;
  /** As in the config, with names unresolved. */
  readonly policy: AccessPolicy;
  /** For names that the bot has resolved. */
  readonly store: Store | undefined;
  readonly discord: Discord;
  readonly now: number;
}

/**
 * Finds the ids of all names.
 *
 * @throws {RestError} If a request to Discord fails.
 */
export async function mappingsOf(asked: NamesAsked): Promise<readonly NameMapping[]> {
  const { accountId, policy, store, discord, now } = asked;
  const all = unresolvedNames(policy);
  if (all.length === 0) return [];
  const known = await store?.pairing.namesOf(accountId) ?? [];
  const left = unresolvedNames(withNames(policy, known));
  const open = new Set(left.map(({ rule }) => rule));
  const { matched, refused } = await resolveNames(left, {
    guilds: await guildsOf(asked),
    resolved: known,
    now,
  }, discord.api);
  const mappings = new Map(all.map(({ rule }) => [rule, [] as NameMapping[]]));
  for (const match of matched) {
    mappings.get(match.wanted.rule)?.push(toMapping(match, refused));
  }
  for (const wanted of all.filter(({ rule }) => !open.has(rule))) {
    mappings.get(wanted.rule)?.push(ofStored(wanted, known));
  }
  return [...mappings.values()].flat();
}

function ofStored(
  { kind, typed, rule }: UnresolvedName,
  known: readonly ResolvedName[],
): NameMapping {
  // If a name was resolved twice, the first result counts.
  const [first] = known.filter((name) => name.kind === kind && name.typed.trim() === typed.trim())
    .sort((a, b) => a.at - b.at);
  return { kind, typed, rule, id: first?.id, name: first?.name };
}

function toMapping(matched: Matched, refused: unknown): NameMapping {
  const { kind, typed, rule } = matched.wanted;
  const common = { kind, typed, rule };
  switch (matched.kind) {
    case "resolved":
      return { ...common, id: matched.name.id, name: matched.name.name };
    case "role":
      return { ...common, id: matched.role.id, name: matched.role.name };
    case "ambiguous":
      return { ...common, candidates: matched.candidates, why: "several matches" };
    case "unfound":
      return { ...common, why: whyText(matched.why, refused) };
  }
}

function whyText(why: UnfoundReason, refused: unknown): string {
  switch (why) {
    case "no-match":
      return "no match";
    case "no-guild":
      return "the bot is in no such guild";
    case "not-searched":
      return refused instanceof RestError
        ? `Discord does not let the bot search members (${
          printable(refused.message)
        }): enable the ` +
          "Server Members Intent in the developer portal"
        : "too many names to search for";
  }
}

/** Guilds that the store knows; if the bot has never run, those that Discord returns. */
async function guildsOf({ accountId, store, discord }: NamesAsked): Promise<readonly GuildNames[]> {
  const { index } = restoreIndex(await store?.gateway.guildsOf(accountId) ?? []);
  if (index.size > 0) return Array.from(index.values(), namesOfGuild);
  const guilds: GuildNames[] = [];
  for (const { id, name } of await listGuilds(discord.api)) {
    guilds.push({ id, name, channels: await listChannels(discord.api, id), roles: [] });
  }
  return guilds;
}

export interface ProbedAccount extends Partial<PermissionAudit> {
  readonly account: AccountId;
  /** Why there is no audit; absent if there is one. */
  readonly problem?: string;
  /** Set if Discord refuses the token. */
  readonly isRefused?: true;
  /** The names of the config, with their ids. */
  readonly names?: readonly NameMapping[];
}

/** Asks Discord about each enabled account. */
export async function probe(
  flags: { readonly config?: string; readonly data?: string },
  io: Io,
): Promise<{ readonly accounts: readonly ProbedAccount[]; readonly code: ExitCode }> {
  const loaded = await readConfig(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return { accounts: [], code: EXIT.config };
  const api = apiOf(io.env);
  if ("problem" in api) {
    io.problem(api.problem);
    return { accounts: [], code: EXIT.config };
  }
  let accounts: readonly ProbedAccount[] = [];
  const code = await withStoreIfAny(flags, io, async (store) => {
    accounts = await io.during(
      "Asking Discord for permissions",
      probeAccounts(loaded, store, api.base),
    );
    return codeOf(accounts);
  });
  return { accounts, code };
}

/**
 * Audits all enabled accounts of a config.
 *
 * @param api Address of Discord's API.
 */
async function probeAccounts(
  { config, text }: LoadedConfig,
  store: Store | undefined,
  api: string,
): Promise<readonly ProbedAccount[]> {
  const accounts: ProbedAccount[] = [];
  for (const { accountId, policy } of await accessIn({ text }, () => [])) {
    const token = tokenOf(config, accountId);
    if (token === "disabled") continue;
    if (token === undefined) {
      accounts.push({ account: accountId, problem: NO_TOKEN });
      continue;
    }
    const discord = openDiscord(token, api);
    try {
      accounts.push(await probeAccount(accountId, policy, store, discord));
    } finally {
      discord.stop();
    }
  }
  return accounts;
}

function tokenOf(config: BotConfig, accountId: AccountId): string | "disabled" | undefined {
  const account = config.accounts.find((one) => one.accountId === accountId);
  if (!account?.enabled) return "disabled";
  return tokenIn(forAccount(config, account));
}

async function probeAccount(
  account: AccountId,
  policy: AccessPolicy,
  store: Store | undefined,
  discord: Discord,
): Promise<ProbedAccount> {
  const now = Date.now();
  try {
    const names = await mappingsOf({ accountId: account, policy, store, discord, now });
    const known = withNames(policy, await store?.pairing.namesOf(account) ?? []);
    const guilds = await examineGuilds(
      discord.api,
      () => readOwnId(discord.api),
      (guild) => listedIn(known, guild),
      now,
      ASK_MS,
    );
    if (guilds.kind !== "answered") return { account, names, problem: whyUnknown(guilds) };
    return { account, names, ...auditGuilds(known, guilds.found) };
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    if (error.kind !== "unauthorized") return { account, problem: error.message };
    const problem = "Discord does not accept the token; `barnacle doctor` says more";
    return { account, problem, isRefused: true };
  }
}

function codeOf(accounts: readonly ProbedAccount[]): ExitCode {
  if (accounts.some(({ isRefused }) => isRefused)) return EXIT.refused;
  if (accounts.some(({ problem }) => problem !== undefined)) return EXIT.tryAgain;
  const channels = accounts.flatMap(({ guilds = [] }) =>
    guilds.flatMap(({ channels }) => channels)
  );
  return channels.some(({ status }) => status === "fail") ? EXIT.failed : EXIT.done;
}

const LOOKED = permissionsToAsk().length;

const MARKS = { pass: "ok", warn: "warn", fail: "FAIL", skipped: "skip" } as const;

/** Lays the audits out for people: first the names, then each guild, then what is missing. */
export function probeLines(accounts: readonly ProbedAccount[]): readonly string[] {
  return accounts.flatMap(({ account, problem, names = [], guilds = [], notAudited = [] }) => [
    `Permissions${accounts.length > 1 ? ` of ${account}` : ""}` +
    (problem === undefined ? "" : `: not audited: ${printable(problem)}`),
    ...inColumns(names.map(nameRow)),
    ...guilds.flatMap(({ id, name, channels }) => [
      printable(`${name} (${id})`),
      ...inColumns(channels.map(channelRow)),
    ]),
    ...notAudited.map(({ why, fix }) =>
      printable(`skip  not audited: ${why}${fix === undefined ? "" : ` = ${fix}`}`)
    ),
  ]);
}

function nameRow({ kind, typed, rule, id, name, candidates = [], why = "" }: NameMapping) {
  const those = candidates.map((one) => `${one.id} (${one.name})`).join(", ");
  return id === undefined
    ? ["skip", kind, typed, `not audited: ${why}${those && `: ${those}`}`, rule]
    : ["ok", kind, typed, `${id} (${name ?? "?"})`, rule];
}

function channelRow({ name, status, granted, missing, answers }: AuditedChannel) {
  const lacks = missing.length === 0 ? "" : `; lacks ${missing.map(lackText).join(", ")}`;
  return [MARKS[status], `#${name}`, `${granted.length} of ${LOOKED} permissions${lacks}`, answers];
}
