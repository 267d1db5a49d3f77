/**
 * Scenes about agents: reminders, files, voice messages, tools that a crash cuts, budgets, and agents
 * that work together.
 *
 * The scripted model calls the tools that a message names in lines such as `call: remind {…}`.
 */

import { silentRecording } from "../../../../simulator/model/recording.ts";
import { HEARD } from "../../../../simulator/model/speech.ts";
import { demoConfig } from "../simulation/simulation.ts";
import { wasKilled } from "../../../host/process/own_process.ts";
import type { Scene } from "./scene.ts";

const reminder: Scene = {
  name: "the bot sets a reminder, and posts it on time without asking the model again",
  async play({ simulation: { simulator, model }, ask, untilReplies, assert }) {
    const set = { action: "create", when: "1s", text: "Tea is ready" };
    ask("grace", "#general", `please remind me\ncall: remind ${JSON.stringify(set)}`);
    const [, posted = ""] = await untilReplies(2, "#general");
    const { id } = simulator.world.users.get(simulator.user("grace")) ?? { id: "" };
    assert(
      "it mentions the person who asked for it",
      posted.startsWith(`<@${id}> Reminder: `) && posted.includes("Tea is ready"),
      posted,
    );
    assert(
      "the model got two requests, both before the reminder",
      model.requests.length === 2,
      model.requests.length,
    );
  },
};

const DOCUMENT = "The krill harvest grew by 12 percent.";

const file: Scene = {
  name: "a person sends a document, and the model gets its text",
  async play({ simulation: { simulator, model }, untilReplies, assert }) {
    const bytes = new TextEncoder().encode(DOCUMENT);
    simulator.say({
      as: "grace",
      in: "#general",
      text: `<@${simulator.application.userId}> what does it say?`,
      attachments: [{ filename: "report.md", sizeBytes: bytes.length, bytes }],
    });
    const [reply = ""] = await untilReplies(1, "#general");
    assert("the answer quotes the document", reply.includes(DOCUMENT), reply);
    const asked = model.requests[0]?.messages.at(-1)?.text ?? "";
    assert(
      "the text stands in a fence that marks it as a file of a person",
      /<file boundary="\w+">\n\{"name":"report\.md"\}/.test(asked),
      asked,
    );
  },
};

const voice: Scene = {
  name: "the bot answers the words of a voice message",
  config: { ...demoConfig(), audio: { transcribe: "openai/barnacle-script" } },
  async play({ simulation: { simulator, model }, untilReplies, assert }) {
    const bytes = silentRecording(2);
    const { id } = simulator.channel("dm", "ada");
    simulator.say({
      as: "ada",
      in: id,
      text: "",
      attachments: [{
        filename: "voice-message.ogg",
        contentType: "audio/ogg",
        sizeBytes: bytes.length,
        bytes,
        voice: { durationSecs: 2, waveform: "AAAA" },
      }],
    });
    const [reply = ""] = await untilReplies(1, id);
    assert("the answer repeats the words of the recording", reply.includes(HEARD), reply);
    assert("the model got one request", model.requests.length === 1, model.requests.length);
  },
};

const cutTool: Scene = {
  name: "killed between a tool's work and the record of it: the work is done once",
  env: { BARNACLE_CRASH_AT: "before:TS:2" },
  async play({ simulation, bot, ask, until, untilReplies, assert }) {
    const { simulator, model } = simulation;
    const set = { action: "create", when: "8h", text: "Tea is ready" };
    ask(
      "grace",
      "#general",
      [
        "please remind me",
        `call: remind ${JSON.stringify(set)}`,
        "then",
        'call: remind {"action":"list"}',
      ].join("\n"),
    );
    const exit = await bot.exited;
    assert("SIGKILL ended the process after the first tool call", wasKilled(exit), exit);

    simulation.startBot();
    const [reply = ""] = await untilReplies(1, "#general");
    const [, listed = ""] = reply.split("Set: ");
    const reminders = listed.split('"kind":"reminder"').length - 1;
    assert("the next process continued the turn", listed !== "", reply);
    assert("the person has one reminder", reminders === 2, reply); // once as set, once in the list
    assert("the model was not asked again for the first step", model.requests.length === 4);
    await until("the bot to be back", () => simulator.connected() === 1 || undefined);
    ask("grace", "#general", "once more");
    const replies = await untilReplies(2, "#general");
    assert("the channel has the answer once", replies[1]?.includes("once more") === true, replies);
  },
};

const budget: Scene = {
  name: "a budget stops the answers of one person, and of no other",
  config: { ...demoConfig(), budgets: { perUser: { tokensPerDay: 12 } } },
  async play({ simulation: { model }, ask, untilReplies, verdictOn, assert }) {
    ask("grace", "#general", "one");
    await untilReplies(1, "#general");
    ask("grace", "#general", "two");
    const [, line = ""] = await untilReplies(2, "#general");
    assert("the person learns that the budget is used up", /budget .* is used up/.test(line), line);
    const refused = ask("grace", "#general", "three");
    await verdictOn(refused);
    ask("ada", "#general", "four");
    const replies = await untilReplies(3, "#general");
    assert(
      "the bot says so once, and answers another person",
      replies[2]?.includes("four") === true,
      replies,
    );
    assert("the model got no request over the budget", model.requests.length === 2);
  },
};

const catchUp: Scene = {
  name: "a person alone reads what happened while they were away",
  config: demoConfig(),
  async play({ simulation: { simulator }, say, verdictOn, replies, until, assert }) {
    say("grace", "#general", "Back in an hour.");
    const news = say("ada", "#help", "The ferry leaves at nine.");
    await verdictOn(news);
    await until("the commands", () => simulator.application.commands.length > 0 || undefined);
    simulator.command({ as: "grace", in: "#general", name: "catchup" });
    const answer = await until("the catch-up", () => simulator.ephemeral("grace")[0]?.content);
    assert("its line ends with a link to the message", answer.endsWith(`/${news.id}`), answer);
    assert("no one else sees it", replies().length === 0, replies());
  },
};

const ownAccount: Scene = {
  name: "a question about a person's own account goes on in direct messages",
  config: {
    ...demoConfig(),
    mcp: { servers: { calendar: { url: "http://127.0.0.1:9/mcp", login: "each" } } },
    tools: { alsoAllow: ["mcp__calendar"] },
  },
  async play({ simulation: { simulator }, ask, untilReplies, assert }) {
    ask("ada", "#general", "what is on today?\ncall: mcp__calendar__privately");
    const [told = ""] = await untilReplies(1, simulator.channel("dm", "ada").id);
    assert("the answer comes to the person alone", told.includes("your own account"), told);
  },
};

export const AGENT: readonly Scene[] = [
  catchUp,
  reminder,
  file,
  ownAccount,
  voice,
  cutTool,
  budget,
];
