/** `barnacle status --probe`: audits the bot's permissions at Discord, channel by channel (O3). */

import { examineGuilds } from "../../flows/preflight/examine.ts";
import { inColumns } from "../../cli/shared/columns.ts";
import { apiOf, openDiscord, tokenIn } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { withStoreIfAny } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { accessIn } from "../../cli/verdict/current_rules.ts";
import { type BotConfig, forAccount } from "../../config/config.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { permissionsToAsk } from "../../core/invite.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
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

/** A name of the config, with the id that the bot has found for it. */
export interface NameMapping extends Pick<UnresolvedName, "kind" | "typed" | "rule"> {
  /** Absent: none is known. */
  readonly id?: string;
  /** Its current name. */
  readonly name?: string;
}

function mappingsOf(policy: AccessPolicy, known: readonly ResolvedName[]): readonly NameMapping[] {
  return unresolvedNames(policy).map(({ kind, typed, rule }) => {
    // If a name was resolved twice, the first result counts.
    const [first] = known.filter((one) => one.kind === kind && one.typed.trim() === typed.trim())
      .sort((a, b) => a.at - b.at);
    return { kind, typed, rule, id: first?.id, name: first?.name };
  });
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
      accounts.push(await probeAccount(accountId, policy, store, discord.api));
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
  api: RestApi,
): Promise<ProbedAccount> {
  const resolved = await store?.pairing.namesOf(account) ?? [];
  const names = mappingsOf(policy, resolved);
  const known = withNames(policy, resolved);
  const guilds = await examineGuilds(api, (guild) => listedIn(known, guild), Date.now());
  if (guilds.kind === "answered") return { account, names, ...auditGuilds(known, guilds.found) };
  const problem = whyUnknown(guilds);
  if (guilds.kind !== "refused") return { account, names, problem };
  return { account, names, problem: `${problem}; \`barnacle doctor\` says more`, isRefused: true };
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

function nameRow({ kind, typed, rule, id, name }: NameMapping) {
  if (id !== undefined) return ["ok", kind, typed, `${id} (${name ?? "?"})`, rule];
  const why = kind === "role" ? "matched by its name" : "not audited: the bot has not found it";
  return ["skip", kind, typed, why, rule];
}

function channelRow({ name, status, granted, missing, answers }: AuditedChannel) {
  const lacks = missing.length === 0 ? "" : `; lacks ${missing.map(lackText).join(", ")}`;
  return [MARKS[status], `#${name}`, `${granted.length} of ${LOOKED} permissions${lacks}`, answers];
}
