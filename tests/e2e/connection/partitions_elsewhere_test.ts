/** Tests programs and commands that ask one process about the partition of another one. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import OpenAI from "openai";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import { apiConfig, apiUrl, PROGRAM_TOKEN } from "../../support/bot/api.ts";
import {
  ended,
  KILLED,
  PATIENCE_MS,
  type Scene,
  STOPPED,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const hello = { model: "main", messages: [{ role: "user" as const, content: "hello reef" }] };

describe("[O16] [O14] processes that answer for each other", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  async function play(
    act: (
      scene: Scene,
      bots: readonly [SimulatedProcess, SimulatedProcess],
      clients: readonly [OpenAI, OpenAI],
    ) => Promise<void>,
    graceSec = 2,
  ): Promise<void> {
    const env = { STORE_URL: server.create() };
    const { world, people } = dividedWorld(2);
    await withSimulation({
      simulator: { world, identifyLimit: { maxConcurrency: 16 } },
      config: {
        channels: { discord: { guilds: { "*": {} }, dm: { allowFrom: ["ada"] } } },
        store: { url: "${STORE_URL}", partitions: 2 },
        shutdown: { graceSec },
        http: { port: 0 },
        ...apiConfig(people.ada.id, { perMinute: 60 }),
      },
      env,
    }, async (scene) => {
      const start = (name: string) =>
        startSecondBot(scene, { env, name, lifeMs: 6 * PATIENCE_MS, isService: true });
      await using first = start("first");
      await scene.until("both shards", () => scene.simulator.connected() === 2, 2 * PATIENCE_MS);
      await using second = start("second");
      await scene.until(
        "a partition each",
        () =>
          first.lines.some((line) => /Giving up a partition/.test(line)) &&
          scene.simulator.connected() === 2,
        3 * PATIENCE_MS,
      );
      const clientOf = async (bot: SimulatedProcess) =>
        new OpenAI({
          apiKey: PROGRAM_TOKEN,
          baseURL: apiUrl(await scene.line(bot, /"Programs can reach the bot"/)),
          maxRetries: 0,
        });
      const clients = [await clientOf(first), await clientOf(second)] as const;
      await act(scene, [first, second], clients);
    });
  }

  it("give programs the same: answers, streams, agents and refusals", async () => {
    await play(async ({ model }, bots, clients) => {
      const ids: string[] = [];
      for (const client of clients) {
        const { data } = await client.models.list();
        assert.deepEqual(data.map(({ id }) => id), ["main"]);
        const { choices: [choice] } = await client.chat.completions.create(hello);
        assert.match(choice?.message.content ?? "", /hello reef/);
        await assert.rejects(
          client.chat.completions.create({ ...hello, model: "none" }),
          /There is no agent "none"/,
        );
        ids.push((await client.responses.create({ model: "main", input: "one" })).id);
      }
      model.behave("slow");
      for (const client of clients) {
        const parts: string[] = [];
        const stream = await client.chat.completions.create({ ...hello, stream: true });
        for await (const chunk of stream) parts.push(chunk.choices[0]?.delta.content ?? "");
        assert.match(parts.join(""), /hello reef/);
        assert.ok(parts.filter((part) => part !== "").length > 1, JSON.stringify(parts));
        for (const id of ids) assert.equal((await client.responses.retrieve(id)).id, id);
      }
      const [first, second] = await Promise.all(clients.map(async ({ baseURL }) => {
        const ask = (token: string) =>
          fetch(baseURL.replace("/v1", "/mcp"), {
            method: "POST",
            headers: {
              authorization: `Bearer ${token}`,
              "content-type": "application/json",
              accept: "application/json, text/event-stream",
            },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
          });
        const refused = await ask("another-token-of-forty-characters-here");
        await refused.body?.cancel();
        assert.equal(refused.status, 401);
        const listed = await ask(PROGRAM_TOKEN);
        return [listed.status, await listed.text()];
      }));
      assert.match(JSON.stringify(first), /approvals/);
      assert.deepEqual(second, first);
      for (const bot of bots) {
        bot.kill("SIGTERM");
        assert.deepEqual(await ended(bot), STOPPED);
      }
    });
  });

  it("give a program its answer by the next owner, if the one that had it dies", async () => {
    await play(async (scene, bots, clients) => {
      // The first process takes partition 0 first, and keeps it.
      const [[bot, other], [, client]] = [bots, clients];
      const key = { headers: { "Idempotency-Key": "k1" } };
      const { id } = await client.responses.create({ model: "main", input: "one" }, key);
      bot.kill("SIGKILL");
      assert.deepEqual(await ended(bot), KILLED);
      await scene.eventually("the answer again", async () => {
        const again = await client.responses.create({ model: "main", input: "one" }, key)
          .catch((error: unknown) => {
            assert.ok(error instanceof OpenAI.APIError && error.status === 503, String(error));
            return undefined;
          });
        assert.ok(again === undefined || again.id === id);
        return again !== undefined;
      });
      assert.equal((await client.responses.retrieve(id)).output_text.includes("one"), true);
      other.kill("SIGTERM");
      assert.deepEqual(await ended(other), STOPPED);
    });
  });

  /** The words of a streamed answer; calls `onBegun` once the first ones are there. */
  async function streamed(client: OpenAI, words: string, onBegun = () => {}): Promise<string> {
    const messages = [{ role: "user" as const, content: words }];
    const stream = await client.chat.completions.create({ model: "main", messages, stream: true });
    let text = "";
    for await (const { choices: [choice] } of stream) {
      const content = choice?.delta.content ?? "";
      if (text === "" && content !== "") onBegun();
      text += content;
    }
    return text;
  }

  it("end requests that have begun before one stops; the next owner takes the others", async () => {
    await play(async ({ model }, [first, second], [, client]) => {
      model.behave("slow");
      let later: Promise<string> | undefined;
      const begun = await streamed(client, "pearls", () => {
        first.kill("SIGTERM"); // it answers programs
        later = client.responses.create({ model: "main", input: "corals" })
          .then((response) => response.output_text);
      });
      assert.match(begun, /pearls[^]*\.$/);
      assert.deepEqual(await ended(first), STOPPED);
      assert.match(await later ?? "", /corals/);
      assert.equal(model.requests.length, 2, "nothing ran twice");
      second.kill("SIGTERM");
      assert.deepEqual(await ended(second), STOPPED);
    }, PATIENCE_MS / 1_000);
  });

  it("bring an answer to a program although the process that it asked stops", async () => {
    await play(async ({ model }, [first, second], [, client]) => {
      model.behave("slow");
      const text = await streamed(client, "pearls", () => second.kill("SIGTERM"));
      assert.match(text, /pearls[^]*\.$/);
      assert.deepEqual(await ended(second), STOPPED);
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
    }, PATIENCE_MS / 1_000);
  });

  it("end a program's request with 503 if the process that it asked stops too soon", async () => {
    await play(async (scene, [first, second], [, client]) => {
      scene.model.behave("hang");
      const asked = client.responses.create({ model: "main", input: "pearls" })
        .catch((error: unknown) => error);
      await scene.until("the turn to run", () => scene.model.requests.length > 0);
      second.kill("SIGTERM");
      const error = await asked;
      assert.ok(error instanceof OpenAI.APIError, String(error));
      assert.deepEqual([error.status, error.code], [503, "lost"]);
      assert.equal(error.headers?.get("x-should-retry"), "false");
      assert.deepEqual(await ended(second), STOPPED);
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
    });
  });

  it("give commands the same, also about a session that another one has", async () => {
    await play(async (scene, bots) => {
      const places = [channelOf(0), channelOf(1)];
      for (const place of places) scene.say("grace", place, `${scene.mention} pearls of ${place}`);
      const outputOf = async (name: string, ...command: readonly string[]) => {
        const data = join(scene.dataDir, name);
        const { code, stdout, stderr } = await scene.command([...command, "--data", data]);
        assert.equal(code, 0, stderr.join("\n"));
        assert.doesNotMatch(stderr.join("\n"), /Without/);
        return stdout.join("\n");
      };
      const bothOf = async (...command: readonly string[]) => {
        const one = await outputOf("first", ...command);
        assert.equal(await outputOf("second", ...command), one, command.join(" "));
        return one;
      };
      const turnsOf = async (name: string): Promise<readonly { messageId: string }[]> =>
        JSON.parse(await outputOf(name, "recent", "--json"));
      for (const name of ["first", "second"]) {
        await scene.eventually(
          `both turns in the ${name}`,
          async () => (await turnsOf(name)).length === places.length,
        );
      }
      for (const { messageId } of await turnsOf("first")) {
        assert.match(await bothOf("why", messageId), /#part-\d[^]*Delivery:\n +1 +reply +sent/);
      }
      const sessions: readonly { sessionKey: string }[] = JSON.parse(
        await bothOf("sessions", "list", "--json"),
      );
      assert.equal(sessions.length, places.length);
      for (const { sessionKey: key } of sessions) {
        assert.match(await bothOf("sessions", "show", key), /pearls/);
      }
      for (const [index, { sessionKey: key }] of sessions.entries()) {
        await outputOf(index === 0 ? "first" : "second", "sessions", "reset", key);
        await outputOf(index === 0 ? "second" : "first", "sessions", "reset", key);
      }
      const [first, second] = bots;
      second.kill("SIGKILL"); // its lease lasts ten seconds more
      assert.deepEqual(await ended(second), KILLED);
      const data = join(scene.dataDir, "first");
      const recent = () => scene.command(["recent", "--json", "--data", data]);
      const { stdout, stderr } = await recent(); // perhaps the first process has taken over by then
      const isWhole = JSON.parse(stdout.join("\n")).length === places.length;
      assert.equal(/Without partition 1: the process/.test(stderr.join("\n")), !isWhole);
      await scene.eventually("both turns again", async () => {
        const { stdout } = await recent();
        return JSON.parse(stdout.join("\n")).length === places.length;
      });
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
    });
  });

  it("back up the partitions that each of them owns, and start with the restored ones", async () => {
    await play(async (scene, bots) => {
      const places = [channelOf(0), channelOf(1)];
      const askIn = (round: string) => {
        for (const place of places) scene.say("grace", place, `${scene.mention} ${round}`);
        return scene.until(
          `answers to ${round}`,
          () => places.every((place) => scene.written(place).some((text) => text.includes(round))),
          2 * PATIENCE_MS,
        );
      };
      await askIn("pearls");
      const data = join(scene.dataDir, "restored");
      const made: string[] = [];
      // On a busy machine, a process may lose a lease, and get its partition back later.
      await scene.eventually("a backup of each process with its partition alone", async () => {
        made.length = 0;
        for (const name of ["first", "second"]) {
          const own = ["--data", join(scene.dataDir, name), "--json"];
          const { code, stdout, stderr } = await scene.command(
            ["backup", "--config", scene.configFile, ...own],
          );
          if (code === 75) return false; // it has none now
          assert.equal(code, 0, stderr.join("\n"));
          const { path, manifest } = JSON.parse(stdout.join("\n"));
          if (manifest.partitions.own.length !== 1) return false;
          made.push(path);
        }
        return true;
      });
      for (const file of made) {
        const restored = await scene.command(["restore", file, "--data", data]);
        assert.equal(restored.code, 0, restored.stderr.join("\n"));
      }
      for (const bot of bots) {
        bot.kill("SIGTERM");
        assert.deepEqual(await ended(bot), STOPPED);
      }
      const env = { STORE_URL: server.create() };
      await using third = startSecondBot(scene, { env, name: "restored", isService: true });
      await scene.until("both shards", () => scene.simulator.connected() === 2, 2 * PATIENCE_MS);
      await askIn("corals");
      const { stdout } = await scene.command(["recent", "--json", "--data", data]);
      assert.equal(JSON.parse(stdout.join("\n")).length, 4);
      third.kill("SIGTERM");
      assert.deepEqual(await ended(third), STOPPED);
    });
  });
});
