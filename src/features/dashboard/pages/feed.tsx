/**
 * The part Feed of the page Activity: each message with its outcome. A message leads to its
 * explanation, as `barnacle why` gives it, and that to the whole story: turn, steps, tools, tokens
 * and deliveries.
 */

/** @jsxImportSource hono/jsx */

import type { JudgedOnRecord } from "../../../store/messages/messages.ts";
import { accessBy, ruleText } from "../../../cli/verdict/current_rules.ts";
import type { PlacedCheck } from "../../../cli/verdict/current_rules.ts";
import { hasArrived, storyLines } from "../../why/text.ts";
import { recordedReport, type WhyDecision, type WhyReport } from "../../why/report.ts";
import { parseSubject } from "../../../cli/verdict/named.ts";
import type { Served } from "../../../cli/run/served_parts.ts";
import { slugsOf } from "../../../cli/shared/read_config.ts";
import { Decisions, OutcomeBadge } from "../base/decisions.tsx";
import {
  Badge,
  Card,
  Command,
  Field,
  PageLink,
  type PageView,
  QueryForm,
  Time,
} from "../base/elements.tsx";

/** Messages of one page. */
const SHOWN = 50;

/** Shows the list, or with `?message=…` one message. */
export async function feedPage(served: Served, query: URLSearchParams): Promise<PageView> {
  const asked = query.get("message")?.trim();
  if (asked) return <Message asked={asked} found={await explain(served, asked)} />;
  const { store, setup: { config } } = served;
  const rows = await store.messages.newestVerdicts(SHOWN, Number(query.get("before")) || undefined);
  const older = rows.length === SHOWN ? rows.at(-1)?.id : undefined;
  return (
    <>
      <section class="card" aria-label="Search">
        <Search />
      </section>
      <Card id="decisions" title="Messages">
        <Decisions rows={rows} hasWords={config.http.showText} slugOf={slugsOf(config)} />
        {older !== undefined &&
          <PageLink to="activity" query={{ before: String(older) }}>Older messages</PageLink>}
      </Card>
    </>
  );
}

/** @returns Words, if there is no report. */
async function explain({ store, setup }: Served, asked: string): Promise<WhyReport | string> {
  const subject = parseSubject(asked);
  if (subject.kind === "problem") return subject.problem;
  const found = await recordedReport(store, subject, await accessBy(setup, store));
  return found?.report ?? "Nothing is on record about this message";
}

function Search({ asked }: { asked?: string }): PageView {
  return (
    <QueryForm to="activity" label="Explain">
      <Field name="message" label="Link or id of a message, or an error id" value={asked} />
    </QueryForm>
  );
}

function Message({ asked, found }: { asked: string; found: WhyReport | string }): PageView {
  return (
    <>
      <section class="card" aria-label="Search">
        <Search asked={asked} />
        <p>
          <PageLink to="activity">All messages</PageLink>
        </p>
      </section>
      {typeof found !== "string"
        ? (
          <>
            {found.decisions.map((decision) => <Decision decision={decision} report={found} />)}
            <Story lines={storyLines(found)} isRunning={found.turn?.state === "running"} />
          </>
        )
        : (
          <Card id="problem-of-message" title="No record">
            <p>{found}</p>
            <p class="hint">
              <Command>barnacle why {asked}</Command> also looks for causes beyond the record.
            </p>
          </Card>
        )}
    </>
  );
}

function Decision({ decision, report }: { decision: WhyDecision; report: WhyReport }): PageView {
  const { accountId, at, verdict, words, rule, place, checks = [], missing, thisVersion, now } =
    decision;
  return (
    <Card id={`decision-${accountId}`} title={`Decision of ${accountId}`}>
      <p class="headline">
        <OutcomeBadge
          verdict={verdict as JudgedOnRecord["verdict"]}
          accountId={accountId}
          answeredBy={report.turn?.accountId}
          state={report.turn?.state}
          unsent={report.outbox.find((row) => !hasArrived([row]))?.state}
          asksPerson={false}
        />
        <span>{words}</span>
      </p>
      <p class="hint">
        {ruleText(rule, place)}, <Time at={at} />
      </p>
      <Checks checks={checks} />
      {missing && (
        <p class="hint">
          {`Its checks are not available: the ${missing} of that time ${
            missing === "facts" ? "are" : "is"
          } not recorded.`}
        </p>
      )}
      {thisVersion && (
        <p>
          {`Another version of Barnacle decided this; this one would say: ${thisVersion.words}`}
        </p>
      )}
      {now && (
        <>
          <h3>{`With the current config and pairings: ${now.words}`}</h3>
          <Checks checks={now.checks} />
        </>
      )}
      <Command>barnacle why {report.messageId}</Command>
    </Card>
  );
}

function Checks({ checks }: { checks: readonly PlacedCheck[] }): PageView {
  return (
    <ul class="lines">
      {checks.map(({ id, passed, fact, rule, place }) => (
        <li>
          <p>
            <Badge tone={passed ? "good" : "bad"}>{passed ? "ok" : "no"}</Badge> {`${id}: ${fact}`}
          </p>
          <p class="hint">{ruleText(rule, place)}</p>
        </li>
      ))}
    </ul>
  );
}

/** The second click: turn, steps, tools, tokens and deliveries. */
function Story({ lines, isRunning }: { lines: readonly string[]; isRunning: boolean }): PageView {
  return (
    <section class="card" id="story" data-live aria-label="The whole story">
      {lines.length === 0
        ? <p class="hint">No turn began, and nothing was sent.</p>
        : (
          <details id="story-details" open={isRunning}>
            <summary>The whole story: turn, steps, tools, tokens and deliveries</summary>
            <pre tabindex={0}>{lines.join("\n")}</pre>
          </details>
        )}
    </section>
  );
}
