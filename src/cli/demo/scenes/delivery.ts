/**
 * Answers on their way out: long ones, several at once, and a Discord that says wait.
 *
 * @module
 */

import { answerTo } from "../../../../simulator/model/script.ts";
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

const book: Scene = {
  name: "an answer too long for messages is its beginning, and a file with all of it",
  async play({ stage: { simulator }, ask, untilReplies, replies, assert }) {
    ask("grace", "#help", "a book, please");
    await untilReplies(1, "#help");
    const [message] = simulator.posted("help");
    assert("it is one message", replies("#help").length === 1, replies("#help"));
    assert("it says that there is more", /whole answer/.test(message?.content ?? ""));
    const [file] = message?.attachments ?? [];
    const text = new TextDecoder().decode(file?.bytes);
    assert("a file comes with it", file?.filename === "answer.md", file?.filename);
    assert("the file has all of it", text.trim() === answerTo("book").trim(), text.length);
  },
};

const DENIED = { to: "Barnacle", what: "sendMessages", in: "general" } as const;

const parked: Scene = {
  name: "where it may not post, its owner is told what is missing, and nothing is lost",
  async play({ stage: { simulator }, ask, until, untilReplies, replies, assert }) {
    simulator.permit({ ...DENIED, as: "denied" });
    ask("grace", "#general", "are you allowed to?");
    const toldTo = () => replies().filter((text) => text.includes("cannot post in #general"));
    const told = await until("a word to the owner", () => toldTo()[0]);
    assert(
      "it names the permission and the role",
      told.includes("Send Messages is denied for the role Barnacle"),
      told,
    );
    ask("ada", "#help", "and here?");
    await untilReplies(1, "#help");
    assert("another channel is answered meanwhile", replies("#general").length === 0);
    simulator.permit({ ...DENIED, as: "unset" });
    await untilReplies(1, "#general");
    assert("the answer comes once it may post", replies("#general").length === 1);
    assert("the owner was told once", toldTo().length === 1, toldTo());
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

export const DELIVERY: readonly Scene[] = [long, book, twoChannels, rateLimit, parked];
