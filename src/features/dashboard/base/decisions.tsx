/** Shows messages in a list: who wrote where, what became of the message, and why. */

/** @jsxImportSource hono/jsx */

import type { JudgedOnRecord, RecordedVerdict } from "../../../store/messages/messages.ts";
import type { PropsWithChildren } from "hono/jsx";
import { reasonText } from "../../../render/failure.ts";
import type { SlugOf } from "../../../cli/shared/read_config.ts";
import { sessionNameOf } from "../../../session/session.ts";
import { Badge, PageLink, type PageView, Time, type Tone } from "./elements.tsx";

type Shown = readonly [tone: Tone, word: string];

const VERDICTS: Readonly<Record<RecordedVerdict["verdict"], Shown>> = {
  accept: ["plain", "accepted"],
  ignore: ["plain", "ignored"],
  challenge: ["warn", "pairing"],
  undecided: ["plain", "undecided"],
};

/** What became of an accepted message, by the state of its turn. */
const TURNS: Readonly<Record<NonNullable<JudgedOnRecord["state"]>, Shown>> = {
  waiting: ["plain", "waiting"],
  running: ["plain", "answering"],
  answered: ["good", "answered"],
  declined: ["plain", "no answer"],
  refused: ["warn", "refused"],
  failed: ["bad", "failed"],
  cancelled: ["plain", "deleted or edited"],
  stopped: ["plain", "stopped"],
  interrupted: ["plain", "followed by another"],
};

/** What decides the outcome of a message. */
export type OutcomeFacts = Pick<
  JudgedOnRecord,
  "verdict" | "accountId" | "answeredBy" | "state" | "unsent" | "asksPerson"
>;

/** What became of a message: its tone, and a word or two. */
export function outcomeOf(
  { verdict, accountId, answeredBy, state, unsent, asksPerson }: OutcomeFacts,
): Shown {
  if (verdict !== "accept" || !state) return VERDICTS[verdict];
  if (answeredBy !== accountId) return ["plain", `${answeredBy} answers it`];
  if (state === "waiting" && asksPerson) return ["warn", "waits for a person"];
  if (state !== "answered" || unsent === undefined) return TURNS[state];
  return ["pending", "sending"].includes(unsent) ? ["plain", "sending"] : ["bad", "not delivered"];
}

/** What became of a message, in a word or two. */
export function OutcomeBadge(facts: OutcomeFacts): PageView {
  const [tone, word] = outcomeOf(facts);
  return <Badge tone={tone}>{word}</Badge>;
}

function reasonOf({ why, failure, verdict }: JudgedOnRecord): string {
  return verdict === "accept" && failure ? failure : reasonText(why);
}

/**
 * The list: three lines a message, which link to its explanation and to Discord. Neighbours that
 * differ in their time alone are one entry.
 */
export function Decisions(
  { rows, hasWords, slugOf }: {
    rows: readonly JudgedOnRecord[];
    hasWords: boolean;
    slugOf: SlugOf;
  },
): PageView {
  if (rows.length === 0) return <p class="empty">No message has come yet.</p>;
  return (
    <ol class="lines">
      {folded(rows, hasWords).map(([row, ...others]) => (
        <li data-row={String(row.id)}>
          <p class="is-cut">
            <OutcomeBadge {...row} /> <strong>{senderOf(row)}</strong> {placeOf(row, slugOf)}
          </p>
          <p class="is-cut">
            <MessageLink row={row}>{reasonOf(row)}</MessageLink>
          </p>
          <p class="hint is-cut">
            <Time at={row.at} /> <DiscordLink row={row} />{" "}
            {hasWords && row.words?.replace(MENTION, "")}
          </p>
          {others.length > 0 && (
            <details id={`like-${row.id}`}>
              <summary>{`${others.length} more like this`}</summary>
              {others.map((one) => (
                <p>
                  <MessageLink row={one}>
                    <Time at={one.at} />
                  </MessageLink>
                </p>
              ))}
            </details>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The mention of the bot, with which most messages to it begin. */
const MENTION = /^<@!?\d+>\s*/;

function MessageLink({ row, children }: PropsWithChildren<{ row: JudgedOnRecord }>): PageView {
  return (
    <PageLink to="activity" query={{ message: row.messageId }}>
      {children}
      <span class="hidden">{` Message ${row.messageId} of ${senderOf(row)}`}</span>
    </PageLink>
  );
}

/** Absent for what Discord does not have, such as a reminder, and without recorded facts. */
function DiscordLink(
  { row: { facts, channelId, messageId, isAtDiscord } }: { row: JudgedOnRecord },
): PageView | string {
  if (!facts || !isAtDiscord) return "";
  const { place } = facts;
  const server = place.kind === "guild" ? place.guild.id : "@me";
  return (
    <a
      href={`https://discord.com/channels/${server}/${channelId}/${messageId}`}
      target="_blank"
      rel="noreferrer"
    >
      Open<span class="hidden">{` message ${messageId} in Discord`}</span>
    </a>
  );
}

type Line = [JudgedOnRecord, ...JudgedOnRecord[]];

/** Puts neighbours together that have the same sender, place, outcome and reason, and show no words. */
function folded(rows: readonly JudgedOnRecord[], hasWords: boolean): readonly Line[] {
  const lines: Line[] = [];
  for (const row of rows) {
    const last = lines.at(-1);
    if (last && sameAs(row, hasWords) === sameAs(last[0], hasWords)) last.push(row);
    else lines.push([row]);
  }
  return lines;
}

function sameAs(row: JudgedOnRecord, hasWords: boolean): string {
  const words = hasWords ? row.words : undefined;
  return JSON.stringify([
    row.accountId,
    row.channelId,
    row.authorId,
    outcomeOf(row),
    reasonOf(row),
    words,
  ]);
}

function senderOf({ facts, authorId }: JudgedOnRecord): string {
  return facts?.sender.username ?? authorId;
}

function placeOf({ facts, channelId }: JudgedOnRecord, slugOf: SlugOf): string {
  if (!facts) return channelId;
  const { place } = facts;
  return place.kind === "guild"
    ? sessionNameOf(place, slugOf(place.guild.id)).replace("discord:", "")
    : "direct message";
}
