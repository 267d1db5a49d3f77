/** Scenes about delivery: long answers, several at once, rate limits and missing permissions. */

import { answerTo } from "../../../../simulator/model/script.ts";
import type { Scene } from "./scene.ts";

/** Discord's limit for a message, in characters. */
const MESSAGE_MAX = 2_000;

const long: Scene = {
  name: "a long answer becomes several messages, each with whole code blocks",
  // Discord's own limit is five in five seconds; this one needs less time.
  simulator: { rateLimits: { createMessage: { requests: 5, windowMs: 1_000 } } },
  async play({ simulation, ask, until, replies, assert }) {
    ask("grace", "#help", "long, please");
    const wanted = linesOf([answerTo("long")]);
    const parts = await until("the whole long answer", () => {
      const texts = replies("#help");
      return linesOf(texts).at(-1) === wanted.at(-1) ? texts : undefined;
    });
    assert(`it has ${parts.length} messages`, parts.length > 1);
    const longest = Math.max(...parts.map((part) => part.length));
    assert(`none exceeds Discord's limit: ${longest}`, longest <= MESSAGE_MAX);
    const broken = parts.filter((part) => (part.match(/```/g) ?? []).length % 2 !== 0);
    assert("each opens and closes its own code block", broken.length === 0, broken);
    const got = linesOf(parts);
    assert(
      `it has all ${wanted.length} lines, in order`,
      got.join("\n") === wanted.join("\n"),
      got,
    );
    assert("the bot never exceeded Discord's rate limit", countOf429(simulation) === 0);
  },
};

const book: Scene = {
  name: "an answer too long for messages becomes its beginning, with a file of the whole",
  async play({ simulation: { simulator }, ask, untilReplies, replies, assert }) {
    ask("grace", "#help", "a book, please");
    await untilReplies(1, "#help");
    const [message] = simulator.posted("help");
    assert("it is one message", replies("#help").length === 1, replies("#help"));
    assert("it says that the file has more", /whole answer/.test(message?.content ?? ""));
    const [file] = message?.attachments ?? [];
    const text = new TextDecoder().decode(file?.bytes);
    assert("it has a file", file?.filename === "answer.md", file?.filename);
    assert("the file has the whole answer", text.trim() === answerTo("book").trim(), text.length);
  },
};

const DENIED = { to: "Barnacle", what: "sendMessages", in: "general" } as const;

const parked: Scene = {
  name: "without permission to post, the bot tells its owner, and loses nothing",
  async play({ simulation: { simulator }, ask, until, untilReplies, replies, assert }) {
    simulator.permit({ ...DENIED, as: "denied" });
    ask("grace", "#general", "are you allowed to?");
    const notices = () => replies().filter((text) => text.includes("cannot post in #general"));
    const notice = await until("a notice to the owner", () => notices()[0]);
    assert(
      "it names the permission and the role",
      notice.includes("Send Messages is denied for the role Barnacle"),
      notice,
    );
    ask("ada", "#help", "and here?");
    await untilReplies(1, "#help");
    assert("the bot answers another channel meanwhile", replies("#general").length === 0);
    simulator.permit({ ...DENIED, as: "unset" });
    await untilReplies(1, "#general");
    assert("the answer arrives once the bot may post", replies("#general").length === 1);
    assert("the owner got one notice", notices().length === 1, notices());
  },
};

const invited: Scene = {
  name: "the permissions of the invite link suffice, even if @everyone has none",
  async play({ simulation: { simulator }, ask, until, untilReplies, assert }) {
    for (const what of ["viewChannel", "sendMessages"] as const) {
      simulator.permit({ to: "helpers", what, as: "allowed" });
    }
    simulator.permit({ to: "@everyone", what: "all", as: "denied" });
    ask("grace", "#general", "may you answer?");
    await untilReplies(1, "#general");
    ask("grace", "#help", "a book, please");
    const file = await until("a file", () => simulator.posted("help")[0]?.attachments[0]);
    assert("it sends a long answer as a file", file.filename === "answer.md", file.filename);
    const refused = simulator.requests.records().filter(({ status }) => status === 403);
    assert("Discord refused no request", refused.length === 0, refused);
  },
};

const twoChannels: Scene = {
  name: "two channels at once: a slow answer in one does not delay the other",
  async play({ simulation, ask, until, untilReplies, replies, assert }) {
    ask("grace", "#help", "take your time. simulate: slow");
    const slow = await until("the slow request", () => simulation.model.requests[0]);
    ask("ada", "#general", "first");
    await untilReplies(1, "#general");
    ask("ada", "#general", "second"); // a person has one turn at a time, and grace has hers
    const quick = await untilReplies(2, "#general");
    assert(
      "the bot answered both questions in #general while #help waited",
      slow.end === undefined,
    );
    assert("#help has no reply yet", replies("#help").length === 0);
    const inOrder = quick[0]?.includes("first") === true && quick[1]?.includes("second") === true;
    assert("#general has its answers in the order of the questions", inOrder, quick);
    const [late = ""] = await untilReplies(1, "#help");
    assert("the slow answer arrives whole", late.includes("take your time"), late);
    assert("three questions, three answers", replies().length === 3, replies());
  },
};

const rateLimit: Scene = {
  name: "the bot waits after a 429",
  async play({ simulation: { simulator }, ask, untilReplies, replies, assert }) {
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
    assert("Discord returned 429 once, then accepted the message", posts.length === 2, statuses);
    assert("Discord rejected the first request", statuses[0] === 429, statuses);
    const waitedMs = (posts[1]?.at ?? 0) - (posts[0]?.at ?? 0);
    assert(
      `the bot waited ${waitedMs} ms, at least the required ${retryAfterSec * 1_000}`,
      waitedMs >= retryAfterSec * 1_000,
    );
    assert("the channel has one reply", replies().length === 1, replies());
  },
};

/** All lines, without code fences and the empty lines between parts. */
function linesOf(parts: readonly string[]): readonly string[] {
  return parts.join("\n").split("\n").filter((line) => line !== "" && !line.startsWith("```"));
}

function countOf429(
  { simulator }: { readonly simulator: { account(): { readonly rateLimited: number } } },
): number {
  return simulator.account().rateLimited;
}

export const DELIVERY: readonly Scene[] = [long, book, twoChannels, rateLimit, parked, invited];
