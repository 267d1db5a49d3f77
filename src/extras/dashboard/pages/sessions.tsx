/**
 * The part Sessions of the page Activity: conversations and their transcripts, as of `barnacle sessions list` and `show`
 * (S2, S4a).
 */

/** @jsxImportSource hono/jsx */

import { slugsOf } from "../../../cli/shared/read_config.ts";
import { bounded } from "../../../lib/text/cut.ts";
import { TOKENS_PER_CHAR } from "../../../core/fit_request.ts";
import type { NumberedEntry } from "../../../core/turn/checkpoint.ts";
import type { ListedCheckpoint, ListedSession } from "../../../store/sessions/sessions.ts";
import {
  callsOf,
  exportLines,
  findSession,
  handleOf,
  namedSessions,
  saidBy,
  titleOf,
  transcriptOf,
} from "../../sessions/exports.ts";
import {
  Card,
  ChangeForm,
  Command,
  DownloadLink,
  Facts,
  PageLink,
  Table,
  Time,
} from "../base/elements.tsx";
import { type AnyPage, page, type PageView, RefusedChange } from "../base/page.ts";
import { resetSession } from "../changes/sessions.ts";

/** The newest entries of a session that the page shows. */
const ENTRIES = 50;
/** UTF-16 units of an entry's words that it shows; the export has all. */
const MAX_WORDS = 1_500;

interface SessionsFacts {
  readonly sessions: readonly ListedSession[];
  /** The open one; absent if the address names none. */
  readonly shown?: OpenTranscript;
  /** Why the named one is not open. */
  readonly problem?: string;
}

interface OpenTranscript {
  readonly session: ListedSession;
  readonly entries: readonly NumberedEntry[];
  readonly checkpoints: readonly ListedCheckpoint[];
}

/** Lists conversations, and shows one of them. */
export const sessionsPart: AnyPage = page<SessionsFacts>({
  alone: "session",
  async load({ store, setup }, query) {
    const { sessions } = store;
    const all = await namedSessions(store, slugsOf(setup().config));
    const key = query.get("session");
    if (key === null) return { sessions: all };
    const found = await findSession(key, sessions);
    if ("problem" in found) return { sessions: all, problem: found.problem };
    const { session } = found;
    return {
      sessions: all,
      shown: { session, ...await transcriptOf(session, ENTRIES, sessions) },
    };
  },
  async download({ store: { sessions } }, query) {
    const found = await findSession(query.get("session") ?? "", sessions);
    if ("problem" in found) throw new RefusedChange(found.problem);
    const lines: string[] = [];
    for await (const line of exportLines(found.session, sessions)) lines.push(`${line}\n`);
    return {
      name: `session-${handleOf(found.session)}.jsonl`,
      type: "text/plain",
      text: lines.join(""),
    };
  },
  view: ({ sessions, shown, problem }) => (
    <>
      {problem !== undefined && <p class="problem" role="alert">{problem}</p>}
      {shown && <Transcript {...shown} />}
      <Card id="sessions" title="Conversations">
        <Table
          caption="Conversations"
          empty="No sessions yet."
          head={["Session", "Name", "Shown to the model", "Folded", "In all", "Newest", "Agent"]}
          rows={sessions.map((session) => [
            <PageLink to="activity" query={{ session: handleOf(session) }}>
              {handleOf(session)}
            </PageLink>,
            titleOf(session),
            `${session.open} (≈ ${tokensOf(session)} tokens)`,
            String(session.current - session.open),
            String(session.entries),
            <Time at={session.lastAt} />,
            session.agentId,
          ])}
        />
        <p class="hint">
          <Command>barnacle sessions list</Command>
        </p>
      </Card>
    </>
  ),
});

/** About the tokens that the model reads of a session. */
function tokensOf({ openChars, summaryChars }: ListedSession): number {
  return Math.ceil((openChars + summaryChars) * TOKENS_PER_CHAR);
}

function Transcript({ session, entries, checkpoints }: OpenTranscript): PageView {
  const handle = handleOf(session);
  const first = entries[0]?.id ?? 0;
  const shown = checkpoints.filter(({ lastEntry }) => lastEntry >= first);
  const hidden = session.entries - entries.length;
  return (
    <Card id="transcript" title={`Transcript of ${titleOf(session) || handle}`}>
      <Facts
        rows={[
          ["Key", <code>{session.sessionKey}</code>],
          ["Shown to the model", `${session.open} entries, ≈ ${tokensOf(session)} tokens`],
          ["First entry", <Time at={session.firstAt} />],
        ]}
      />
      <div class="buttons">
        <DownloadLink to="activity" query={{ session: handle }}>Export as JSON lines</DownloadLink>
        <Command>barnacle sessions export {handle}</Command>
      </div>
      <ChangeForm change={resetSession} fields={{ session: handle }} />
      {hidden > 0 && <p class="hint">{`${hidden} older entries are in the export.`}</p>}
      <ol class="transcript" aria-label="Entries">
        {entries.map((numbered) => (
          <>
            <TranscriptEntry {...numbered} />
            {shown.filter(({ lastEntry }) => lastEntry === numbered.id).map((one) => (
              <CheckpointEntry one={one} />
            ))}
          </>
        ))}
      </ol>
    </Card>
  );
}

function TranscriptEntry({ id, entry }: NumberedEntry): PageView {
  const calls = callsOf(entry);
  const said = saidBy(entry).filter(({ words }) => words !== "");
  const isTool = entry.role === "tool";
  const words = said.map(({ from, words }) => (
    <p class="words">
      <b>{from}:</b> {bounded(words, MAX_WORDS)}
    </p>
  ));
  return (
    <li class={`entry is-${entry.role}`} data-row={String(id)}>
      <Time at={entry.at} />{" "}
      <PageLink to="activity" query={{ message: entry.messageId }}>{`entry ${id}`}</PageLink>
      {isTool
        ? (
          <details id={`entry-${id}`}>
            <summary>Result of a tool</summary>
            {words}
          </details>
        )
        : words}
      {calls.length > 0 && <p class="hint">{`calls ${calls.join(", ")}`}</p>}
    </li>
  );
}

function CheckpointEntry({ one }: { one: ListedCheckpoint }): PageView {
  const { kind, cause, entries, at, modelId, summary } = one;
  const how = modelId === undefined ? `${cause}, without a model` : cause;
  return (
    <li class="checkpoint">
      <Time at={at} />{" "}
      {kind === "reset" ? `new transcript (${cause})` : `${entries} entries folded (${how})`}
      {summary !== undefined && <p class="words">{summary}</p>}
    </li>
  );
}
