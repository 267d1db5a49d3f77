/**
 * Answers on their way out: long ones, several at once, and a Discord that says wait.
 *
 * @module
 */

import { answerTo } from "../../simulator/model_script.ts";
import type { Scene } from "./scene.ts";

/** Discord's, in characters of one message. */
const MESSAGE_MAX = 2_000;

const long: Scene = {
  name: "a long answer comes in several messages, each with its code block whole",
  // Discord's own limit of five in five seconds, in a fifth of the time.
  simulator: { rateLimits: { createMessage: { requests: 5, windowMs: 1_000 } } },
  async play({ stage, ask, until, replies, assert }) {
    ask("grace", "#help", "long, please");
    const wanted = linesOf([answerTo("long")]);
    const parts = await until("the whole of a long answer", () => {
      const said = replies("#help");
      return linesOf(said).at(-1) === wanted.at(-1) ? said : undefined;
    });
    assert(`it came in ${parts.length} messages`, parts.length > 1);
    const longest = Math.max(...parts.map((part) => part.length));
    assert(`none is longer than Discord takes: ${longest}`, longest <= MESSAGE_MAX);
    const broken = parts.filter((part) => (part.match(/```/g) ?? []).length % 2 !== 0);
    assert("each opens and closes its own code block", broken.length === 0, broken);
    const got = linesOf(parts);
    assert(
      `all ${wanted.length} lines are there, in order`,
      got.join("\n") === wanted.join("\n"),
      got,
    );
    assert("Discord's rate limit was met and never broken", countOf429(stage) === 0);
  },
};

const twoChannels: Scene = {
  name: "two channels at once: a slow answer in one holds up no other",
  async play({ stage, ask, until, untilReplies, replies, assert }) {
    ask("grace", "#help", "take your time. simulate: slow");
    const slow = await until("the slow request", () => stage.model.requests[0]);
    ask("ada", "#general", "first");
    ask("grace", "#general", "second");
    const quick = await untilReplies(2, "#general");
    assert("both questions in #general are answered while #help waits", slow.end === undefined);
    assert("#help is still waiting for its first word", replies("#help").length === 0);
    const inOrder = quick[0]?.includes("first") === true && quick[1]?.includes("second") === true;
    assert("#general has its answers in the order of the questions", inOrder, quick);
    const [late = ""] = await untilReplies(1, "#help");
    assert("the slow answer comes in the end, whole", late.includes("take your time"), late);
    assert("three questions, three answers", replies().length === 3, replies());
  },
};

const rateLimit: Scene = {
  name: "a 429 is waited out",
  async play({ stage: { simulator }, ask, untilReplies, replies, assert }) {
    const retryAfterSec = 1.5;
    simulator.faults.rest.add({
      method: "POST",
      route: "/channels/:id/messages",
      times: 1,
      fault: { kind: "rate_limit", retryAfterSec, scope: "user" },
    });
    ask("grace", "#general", "are you there?");
    await untilReplies(1, "#general");
    const posts = simulator.requests.records().filter(({ method, route }) =>
      method === "POST" && route === "/channels/:id/messages"
    );
    const statuses = posts.map(({ status }) => status);
    assert("Discord said 429 once, then took the message", posts.length === 2, statuses);
    assert("the first of the two was refused", statuses[0] === 429, statuses);
    const waitedMs = (posts[1]?.at ?? 0) - (posts[0]?.at ?? 0);
    assert(
      `the second left after ${waitedMs} ms, not before the ${retryAfterSec * 1_000} asked for`,
      waitedMs >= retryAfterSec * 1_000,
    );
    assert("the channel has one reply", replies().length === 1, replies());
  },
};

/** What was said, without the marks of code blocks and the empty lines at a cut. */
function linesOf(parts: readonly string[]): readonly string[] {
  return parts.join("\n").split("\n").filter((line) => line !== "" && !line.startsWith("```"));
}

function countOf429(
  { simulator }: { readonly simulator: { account(): { readonly rateLimited: number } } },
): number {
  return simulator.account().rateLimited;
}

export const DELIVERY: readonly Scene[] = [long, twoChannels, rateLimit];
