/** Tests agents that work together, as people on Discord see them, and when a crash cuts them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

/** Names of agents in a message are mentions, so the calls have ids that are no names. */
const AGENTS = {
  agents: {
    list: [
      { id: "main", name: "Main", tools: { deny: ["memory"] } },
      {
        id: "res",
        name: "Researcher",
        description: "Finds facts.",
        prompt: "You research.",
        tools: { alsoAllow: ["exec"] },
      },
      { id: "wri", name: "Writer", prompt: "You write." },
    ],
  },
};

const call = (tool: string, input: object) => `call: ${tool} ${JSON.stringify(input)}`;

/** The requests of agents, by a part of their prompts. */
function requestsOf({ model }: Pick<Scene, "model">, prompt: string) {
  return model.requests.filter(({ system }) => system?.includes(prompt));
}

describe("[N4] agents that work together", () => {
  const play = sharedBot({ config: AGENTS });

  it("asks another agent, in a session of its own with rights of the person", () =>
    play(async ({ say, mention, replies, rows, model, cli, here }) => {
      const usage = () => {
        const used = rows("SELECT agent_id, sum(requests) AS n FROM usage GROUP BY agent_id");
        const of = (id: string) => Number(used.find((row) => row["agent_id"] === id)?.["n"] ?? 0);
        return { main: of("main"), res: of("res") };
      };
      const before = usage();
      const asked = call("ask_agent", { agent: "res", question: "How high is the tide?" });
      const { id } = say("grace", here, `${mention}\n${asked}`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /The tools returned:\n\n[^]*You wrote:\n> > How high is the tide\?/);
      const [inner] = requestsOf({ model }, "You research.");
      const texts = inner?.messages.flatMap(({ role, text }) => role === "user" ? text : []) ??
        [];
      assert.equal(texts.length, 1);
      assert.match(
        texts[0] ?? "",
        /asks you, while it answers grace[^]*\nHow high is the tide\?/,
      );
      assert.deepEqual(
        inner?.tools.filter((name) => /^(ask|handoff|exec|memory)$/.test(name)),
        [],
      );
      const [first] = model.requests;
      assert.match(
        first?.system ?? "",
        /- res \(Researcher\): Finds facts\.\n- wri \(Writer\)/,
      );
      const used = usage();
      assert.deepEqual([used.main - before.main, used.res - before.res], [2, 1]);
      const { stdout } = await cli("why", id);
      assert.match(stdout.join("\n"), /Asked the agent res \(1\), done/);
    }));

  it("starts helpers side by side", () =>
    play(async ({ say, mention, replies, model, here }) => {
      const parallel = [{ question: "one?" }, { agent: "wri", question: "two?" }];
      say("grace", here, `${mention}\n${call("ask_agent", { parallel })}`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /helper 1: main[^]*> one\?[^]*helper 2: wri[^]*> two\?/);
      assert.equal(model.requests.length, 4);
    }));

  it("shows one line about the helpers, and ends all of them at a stop", () =>
    withSimulation(
      { config: AGENTS, discord: () => ({ streaming: "progress" }) },
      async ({ simulator, start, say, mention, until, model }) => {
        await start();
        model.behave("hang", undefined, (system) => /You (?:write|research)\./.test(system));
        const parallel = [
          { agent: "res", question: "one?" },
          { agent: "wri", question: "two?" },
        ];
        say("grace", "general", `${mention}\n${call("ask_agent", { parallel })}`);
        const has = (text: RegExp) => () =>
          simulator.posted("general").some(({ content }) => text.test(content));
        await until("the line", has(/^⏳ asking Researcher, Writer · step 1 of 16 · \d+ s$/));
        const asked = model.requests.slice(-2);
        say("grace", "general", `${mention} /stop`);
        await until("the end", () => asked.every(({ end }) => end === "broken"));
        say("grace", "general", `${mention} later`);
        await until("the answer", has(/> later/));
        assert.ok(!has(/helper|asking/)(), "nothing is left of the stopped turn");
      },
    ));

  it("passes a message on, and posts one answer", () =>
    play(async ({ say, mention, replies, written, cli, here }) => {
      const pass = call("handoff", { agent: "res", task: "Find the tide." });
      const { id } = say("grace", here, `${mention} The tide?\n${pass}`);
      const [reply = ""] = await replies(here, 1);
      assert.match(reply, /^-# Passed to Researcher\.\n[^]*Find the tide\./);
      const { stdout } = await cli("why", id);
      assert.match(stdout.join("\n"), /main → res/);
      say("grace", here, `${mention} later`);
      await replies(here, 2);
      assert.equal(written(here).length, 2);
    }));

  // Each transaction of a turn that asks an agent, which calls a tool, and then passes the turn on.
  const points = crashPoints(["after:TS:2", "before:TS:4"], [
    "before:TS:1",
    "after:TS:3",
    "after:TS:5",
  ]);
  for (const point of points) {
    it(`goes on after a crash ${point}, and asks no agent twice`, () =>
      withSimulation({ config: AGENTS }, async ({ start, say, mention, replies, model, rows }) => {
        const dying = await start({ BARNACLE_CRASH_AT: point });
        const question = call("read_channel_history", { limit: 1 });
        const asked = call("ask_agent", { agent: "wri", question });
        const pass = call("handoff", { agent: "res", task: "Find the tide." });
        say("grace", "general", `${mention}\n${asked}\nthen\n${pass}`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        const [reply = ""] = await replies("general", 1);
        assert.match(reply, /^-# Passed to Researcher\./);
        const stored = rows("SELECT step FROM step").map((row) => JSON.parse(String(row["step"])));
        const kinds = stored.map(({ kind }) => kind);
        assert.deepEqual(kinds.filter((kind) => kind === "asked" || kind === "told"), [
          ...["asked", "told"],
        ]);
        assert.ok(model.requests.length <= 6, `${model.requests.length} requests`);
        assert.equal(kinds.filter((kind) => kind === "passed").length, 1);
      }));
  }
});
