/**
 * The page Today: the bot's state in one sentence, what needs the owner, with the buttons for it, and
 * the last messages.
 */

/** @jsxImportSource hono/jsx */

import { slugsOf } from "../../../cli/shared/read_config.ts";
import { type Finding, isTrouble, worstStatus } from "../../../core/finding.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import { judgeHealth } from "../../../http/checks.ts";
import type { Snapshot } from "../../../http/snapshot.ts";
import type { JudgedOnRecord } from "../../../store/messages/messages.ts";
import type { Store } from "../../../store/store.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import { knownChannels } from "../../../cli/verdict/named.ts";
import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  DENY,
  type StoredQuestion,
} from "../../../core/people/question.ts";
import { withVisibleCharacters } from "../../../render/questions/card.ts";
import { type OpenRequest, pairingsOf, timesText } from "../../access/pairing.ts";
import { decidersText } from "../../agent/approvals.ts";
import { accountsIn } from "../../../cli/shared/with_store.ts";
import { Decisions, outcomeOf } from "../base/decisions.tsx";
import {
  Badge,
  Card,
  ChangeForm,
  Facts,
  PageLink,
  type PageView,
  Time,
  type Tone,
} from "../base/elements.tsx";
import {
  allowAlways,
  allowOnce,
  approvePairing,
  type DashboardChange,
  denyCall,
  denyPairing,
} from "../base/changes.ts";
import type { Served } from "../../../cli/run/served_parts.ts";

type NamesById = ReadonlyMap<string, string>;

interface TodayFacts {
  readonly snapshot: Snapshot;
  readonly findings: readonly Finding[];
  readonly questions: readonly StoredQuestion[];
  readonly pending: readonly OpenRequest[];
  readonly last: readonly JudgedOnRecord[];
  readonly names: NamesById;
  readonly channels: NamesById;
  readonly now: number;
}

/** Messages on the page, and those that are counted. */
const SHOWN = 8;
const COUNTED = 500;

const KINDS: Readonly<Record<StoredQuestion["question"]["kind"], string>> = {
  approval: "Approval of a command",
  skill: "Tool of a skill",
  ask: "Question of the agent",
  limit: "Many destructive actions",
};

const CHOICES: readonly (readonly [key: string, change: DashboardChange])[] = [
  [ALLOW_ONCE, allowOnce],
  [ALLOW_ALWAYS, allowAlways],
  [DENY, denyCall],
];

/** Facts without which a person cannot decide: they are never folded. */
const FIRST: readonly string[] = ["Who asks", "Where"];

const isFirst = ({ name }: { readonly name: string }) => FIRST.includes(name);

/** Shows the bot as it is now, and what waits for a person. */
export async function todayPage({ bot, store, setup: { config } }: Served): Promise<PageView> {
  await bot.refresh();
  const now = Date.now();
  const snapshot = bot.snapshot();
  const accounts = await accountsIn(store.gateway, undefined);
  const facts: TodayFacts = {
    snapshot,
    findings: judgeHealth(snapshot, now).filter(isTrouble),
    questions: await store.questions.open(now),
    pending: (await pairingsOf(accounts, store.pairing, now)).pending,
    last: await store.messages.newestVerdicts(COUNTED),
    names: await store.messages.askersNames(),
    channels: await channelNames(accounts, store),
    now,
  };
  return (
    <>
      <State {...facts} />
      <NeedsYou {...facts} />
      <Card id="decisions" title="Last messages">
        <p>{countText(facts)}</p>
        <Decisions
          rows={facts.last.slice(0, SHOWN)}
          hasWords={config.http.showText}
          slugOf={slugsOf(config)}
        />
        <p>
          <PageLink to="activity">All messages</PageLink>
        </p>
      </Card>
    </>
  );
}

/** `"12 messages in the last 24 hours: 9 answered, 3 ignored"`, by the times of the decisions. */
function countText({ last, now }: TodayFacts): string {
  const ofDay = last.filter(({ at }) => at > now - DAY_MS);
  const words = Map.groupBy(ofDay, (row) => outcomeOf(row)[1]);
  const counts = [...words].map(([word, { length }]) => `${length} ${word}`);
  const all = `${ofDay.length === COUNTED ? "at least " : ""}${ofDay.length}`;
  const what = ofDay.length === 1 ? "message" : "messages";
  return [`${all} ${what} in the last 24 hours`, counts.join(", ")].filter(Boolean).join(": ");
}

/** The state in one word: how good it is, and why. */
function stateOf(
  { snapshot: { phase, accounts }, findings }: TodayFacts,
): { readonly word: string; readonly tone: Tone; readonly cause: string } {
  const running = accounts.filter(({ state }) => state === "running");
  const worst = findings.find(({ status }) => status === worstStatus(findings));
  const cause = worst ? `${worst.what}${whereText(worst)}` : "";
  if (phase === "starting") return { word: "Starting", tone: "warn", cause };
  if (phase === "draining") return { word: "Stopping", tone: "warn", cause: "It ends its turns" };
  if (running.length > 0 && running.every(({ paused }) => paused)) {
    return { word: "Paused", tone: "warn", cause: "It starts no turn until `barnacle resume`" };
  }
  switch (worst?.status) {
    case "fail":
      return { word: "Broken", tone: "bad", cause };
    case "warn":
      return { word: "Impaired", tone: "warn", cause };
    default:
      return { word: "Healthy", tone: "good", cause: "All checks pass" };
  }
}

function whereText({ where }: Finding): string {
  return where === undefined ? "" : ` (${where})`;
}

function State(facts: TodayFacts): PageView {
  const { word, tone, cause } = stateOf(facts);
  return (
    <section class="card" id="state" data-live aria-label="State">
      <p class="headline" data-announce>
        <Badge tone={tone}>{word}</Badge> <span>{cause}</span>
      </p>
      {facts.findings.length > 0 && (
        <ul class="lines">
          {facts.findings.map((finding) => (
            <li>
              <p>{`${finding.what}${whereText(finding)}: ${finding.why}`}</p>
              {finding.fix !== undefined && <p class="hint">{`→ ${finding.fix}`}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Questions, pairing requests, and messages that only a person can send or drop. */
function NeedsYou(facts: TodayFacts): PageView {
  const { questions, pending, names, channels, now, snapshot: { outbox } } = facts;
  const stuck = outbox.uncertain + outbox.dead;
  return (
    <Card id="questions" title="What needs you">
      <p class="hidden" data-announce>{waitingText(questions.length)}</p>
      {questions.length + pending.length + stuck === 0 && <p class="empty">Nothing needs you.</p>}
      {questions.map((one) => <QuestionCard one={one} names={names} channels={channels} />)}
      {pending.map((request) => {
        const { code, userId, username } = request;
        const form = { code, of: `${username}, ${userId}` }; // two people may have the same name
        return (
          <article class="question" data-row={code} aria-label={`Pairing request ${code}`}>
            <h3>{`${username} wants to write to the bot`}</h3>
            <p class="hint">
              <code>{code}</code> <code>{userId}</code> {timesText(request, now)}
            </p>
            <div class="buttons">
              <ChangeForm change={approvePairing} {...form} isMain />
              <ChangeForm change={denyPairing} {...form} />
            </div>
          </article>
        );
      })}
      {stuck > 0 && (
        <p>
          {`${stuck} ${stuck === 1 ? "message was" : "messages were"} perhaps not sent`}
          : <code>barnacle outbox list</code>
        </p>
      )}
      <p class="hint">
        By direct message to the bot: <code>/allowlist</code> (who may talk, owners),{" "}
        <code>/settings</code> (model, budget), <code>/forget</code> (a person).
      </p>
    </Card>
  );
}

/** For screen readers, which hear it when a question comes or goes. */
function waitingText(count: number): string {
  return count === 1 ? "One question waits for a person" : `${count} questions wait for a person`;
}

function QuestionCard(
  { one, names, channels }: Pick<TodayFacts, "names" | "channels"> & { one: StoredQuestion },
): PageView {
  const { code, question, expiresAt } = one;
  const { kind, tool, text, facts, exact, choices } = question;
  const offered = CHOICES.filter(([key]) => choices.some((choice) => choice.key === key));
  const toRow = ({ name, value }: typeof facts[number]) =>
    [name, namedText(value, names, channels)] as const;
  return (
    <article class="question" data-row={code} aria-label={`${KINDS[kind]} ${code}`}>
      <h3>
        {KINDS[kind]} <code>{code}</code>
      </h3>
      <p class="words">{namedText(text, names, channels)}</p>
      {exact !== undefined && <pre>{withVisibleCharacters(exact)}</pre>}
      <Facts rows={facts.filter(isFirst).map(toRow)} />
      <div class="buttons">
        {offered.map(([, change], at) => (
          <ChangeForm change={change} code={code} of={code} isMain={at === 0} />
        ))}
      </div>
      <details id={`facts-${code}`}>
        <summary>All facts</summary>
        <Facts
          rows={[
            ["Tool", tool],
            ...facts.filter((fact) => !isFirst(fact)).map(toRow),
            ["Decides", decidersText(question, (id) => names.get(id) ?? id)],
            ["Expires", <Time at={expiresAt} />],
          ]}
        />
      </details>
      {offered.length === 0 && <p class="hint">Only the asked person can answer, in Discord.</p>}
    </article>
  );
}

/** The channels that accounts know: `"Krill & Co #general"` by id. */
async function channelNames(accounts: readonly AccountId[], store: Store): Promise<NamesById> {
  const channels = await knownChannels(store, accounts);
  return new Map(channels.map(({ id, name, guild }) => [id, `${guild} #${name}`]));
}

/** A text with names in place of Discord's mentions of known people and channels. */
function namedText(text: string, people: NamesById, channels: NamesById): string {
  return text
    .replace(/<@!?(\d+)>/g, (mention, id) => people.has(id) ? `@${people.get(id)}` : mention)
    .replace(/<#(\d+)>/g, (mention, id) => channels.get(id) ?? mention)
    .replace(/<(https:\/\/[^\s<>]+)>/g, "$1");
}
