/**
 * The part Server check of the page Diagnostics: the bot's permissions channel by channel, its intents,
 * its commands and its invite link. It asks Discord at most once a minute, and only after a click: the
 * page must open while Discord does not answer.
 */

/** @jsxImportSource hono/jsx */

import type { AccountId } from "../../../core/discord/ids.ts";
import { inviteUrl } from "../../../core/invite.ts";
import { chooseIntents, toIntents } from "../../../discord/gateway/read/intents.ts";
import { createApplicationCommands } from "../../../discord/rest/requests/application_commands.ts";
import { RestError } from "../../../discord/rest/exchange/rest_error.ts";
import type { AuditedChannel } from "../../../flows/preflight/audit.ts";
import { lackText } from "../../../flows/preflight/permissions.ts";
import { probeAccounts, type ProbedAccount } from "../../diagnose/exports.ts";
import { apiOf, openDiscord } from "../../../cli/shared/discord.ts";
import type { DashboardParts } from "../base/parts.ts";
import { Badge, Card, Facts, PageLink, Table, Time, type Tone } from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";

/** The application of one account, as Discord reports it. */
interface SeenApplication {
  readonly account: AccountId;
  /** Why there is nothing else; absent if there is. */
  readonly problem?: string;
  readonly name?: string;
  /** Intents that the config asks for, and the developer portal does not grant. */
  readonly missing: readonly string[];
  /** Optional ones that are not granted. */
  readonly spared: readonly string[];
  /** Names of the registered commands. */
  readonly commands: readonly string[];
  readonly invite?: string;
}

interface ServerFacts {
  readonly audits: readonly ProbedAccount[];
  readonly applications: readonly SeenApplication[];
  readonly at: number;
}

/** Milliseconds that an answer is shown again before Discord is asked once more. */
const FRESH_MS = 60_000;

const asked = new WeakMap<DashboardParts, Promise<ServerFacts>>();

/** Shows what Discord lets the bot do. */
export const serversPart: AnyPage = page<ServerFacts | undefined>({
  async load(parts, query) {
    if (!query.has("check")) return undefined;
    const known = await asked.get(parts)?.catch(() => undefined);
    if (known && parts.now() - known.at < FRESH_MS) return known;
    const asking = ask(parts);
    asked.set(parts, asking);
    return await asking;
  },
  view: (facts) =>
    facts === undefined
      ? (
        <Card id="server-check" title="Server check">
          <p>Discord tells the bot's permissions, intents and commands.</p>
          <p>
            <PageLink to="diagnostics" query={{ check: "1" }}>Check the servers</PageLink>
          </p>
        </Card>
      )
      : (
        <>
          {facts.applications.map((one) => <Application {...one} at={facts.at} />)}
          {facts.audits.map((audit) => <Audit {...audit} />)}
        </>
      ),
});

async function ask({ setup, store, env, now }: DashboardParts): Promise<ServerFacts> {
  const { config, text, accounts } = setup();
  const api = apiOf(env);
  if ("problem" in api) throw new TypeError(api.problem);
  const applications: SeenApplication[] = [];
  for (const { accountId, gateway } of config.accounts) {
    const token = accounts.get(accountId)?.token;
    if (token === undefined) continue;
    const wanted = toIntents(gateway.intents, gateway.reactions);
    applications.push(await seeApplication(accountId, token, api.base, wanted));
  }
  const audits = await probeAccounts({ config, text }, store, api.base);
  return { audits, applications, at: now() };
}

async function seeApplication(
  account: AccountId,
  token: string,
  api: string,
  wanted: ReturnType<typeof toIntents>,
): Promise<SeenApplication> {
  const discord = openDiscord(token, api);
  try {
    const { id, name, flags } = await discord.applications.me();
    const { missing, spared } = chooseIntents(wanted, flags);
    const { commands } = await createApplicationCommands(discord.api).list(id);
    return {
      account,
      name,
      missing,
      spared,
      commands: commands.map((command) => command.name),
      invite: inviteUrl(id),
    };
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return { account, problem: error.message, missing: [], spared: [], commands: [] };
  } finally {
    discord.stop();
  }
}

function Application(
  { account, problem, name, missing, spared, commands, invite, at }: SeenApplication & {
    at: number;
  },
): PageView {
  return (
    <Card id={`application-${account}`} title={`Application of ${account}`}>
      <Facts
        rows={[
          ...(problem === undefined ? [] : [["Problem", problem] as const]),
          ["Name", name ?? "–"],
          [
            "Missing intents",
            missing.length === 0 ? "none" : (
              <>
                <Badge tone="bad">{missing.join(", ")}</Badge> <code>barnacle doctor --fix</code>
              </>
            ),
          ],
          ["Optional intents not granted", spared.join(", ") || "none"],
          ["Commands", commands.map((one) => `/${one}`).join(" ") || "none"],
          [
            "Invite",
            invite === undefined
              ? "–"
              : <a href={invite} target="_blank" rel="noopener noreferrer">Invite link</a>,
          ],
          ["Asked", <Time at={at} />],
        ]}
      />
    </Card>
  );
}

const TONES: Readonly<Record<AuditedChannel["status"], Tone>> = {
  pass: "good",
  warn: "warn",
  fail: "bad",
  skipped: "plain",
};

const WORDS: Readonly<Record<AuditedChannel["status"], string>> = {
  pass: "can answer",
  warn: "lacks a comfort",
  fail: "cannot answer",
  skipped: "answers no one",
};

function Audit({ account, problem, guilds = [], notAudited = [] }: ProbedAccount): PageView {
  return (
    <>
      {problem !== undefined && (
        <Card id={`problem-${account}`} title={`Permissions of ${account}`}>
          <p>{problem}</p>
        </Card>
      )}
      {guilds.map(({ id, name, channels }) => (
        <Card id={`guild-${account}-${id}`} title={`${name} (${account})`}>
          <Table
            caption={`Permissions in ${name}`}
            empty="No channels."
            head={["Channel", "State", "Missing", "Whom it answers"]}
            rows={channels.map((channel) => [
              `#${channel.name}`,
              <Badge tone={TONES[channel.status]}>{WORDS[channel.status]}</Badge>,
              channel.missing.map(lackText).join(", ") || "nothing",
              channel.answers,
            ])}
          />
        </Card>
      ))}
      {notAudited.length > 0 && (
        <Card id={`not-audited-${account}`} title="Not checked">
          <ul>
            {notAudited.map(({ why, fix }) => (
              <li>{fix === undefined ? why : `${why} → ${fix}`}</li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}
