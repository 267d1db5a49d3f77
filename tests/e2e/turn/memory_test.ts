/** Tests the agent's memory as people on Discord see it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const call = (input: object) => `call: memory ${JSON.stringify(input)}`;

const BY_MEANING = { config: { memory: { embedding: "openai/embed-small" } } };

const vectors = ({ rows }: Scene) =>
  rows("SELECT note_row, model, dimension FROM note_vector").map((row) => Object.values(row));

describe("[T14] the bot", () => {
  const play = sharedBot({});

  it("remembers for a person, shows it to no other, and forgets a deleted message", () =>
    play(async ({ simulator, say, mention, replies, rows, here, ...scene }) => {
      const note = { action: "save", text: "grace likes tea" };
      const source = say("grace", here, `${mention}\n${call(note)}`);
      await replies(here, 1);
      const search = call({ action: "search", query: "tea" });
      say("grace", here, `${mention}\n${search}`);
      say("ada", "help", `${mention}\n${search}`);
      assert.match((await replies(here, 2))[1] ?? "", /"text":"grace likes tea"/);
      assert.match((await replies("help", 1))[0] ?? "", /No notes found/);
      const { stdout } = await scene.cli("memory", "show", "1");
      assert.match(stdout.join("\n"), new RegExp(`From messages: ${source.id}`));
      simulator.delete({ in: here, as: "grace", message: source.id });
      await scene.eventually(
        "the note to go",
        () => Promise.resolve(rows("SELECT id FROM note").length === 0),
      );
    }));

  it("finds a person's note by its meaning, shows it to no other, and counts the requests", () =>
    play(async (scene) => {
      const { say, mention, replies, rows, model, eventually, here } = scene;
      const note = { action: "save", text: "grace likes tea" };
      say("grace", here, `${mention}\n${call(note)}`);
      await replies(here, 1);
      await eventually("the vector", () => Promise.resolve(vectors(scene).length > 0));
      assert.deepEqual(vectors(scene), [[2, "openai/embed-small", 64]]);
      const search = call({ action: "search", query: "Which beverage?" });
      say("grace", here, `${mention}\n${search}`);
      say("ada", here, `${mention}\n${search}`);
      const answers = (await replies(here, 3)).slice(1);
      assert.equal(answers.filter((text) => text.includes("grace likes tea")).length, 1);
      assert.equal(answers.filter((text) => text.includes("No notes found")).length, 1);
      assert.deepEqual(model.embedded.map(({ input }) => input), [
        ["grace likes tea"],
        ["Which beverage?"],
        ["Which beverage?"],
      ]);
      const used = () => rows("SELECT SUM(requests) AS n FROM usage WHERE kind = 'embedding'");
      await eventually("the count", () => Promise.resolve(Number(used()[0]?.["n"]) >= 3));
      assert.deepEqual(used(), [{ n: 3 }]);
    }, BY_MEANING));

  it("searches by words while the model fails, and tells the model and the log once", () =>
    play(async (scene, bot) => {
      const { say, mention, replies, model, line, here } = scene;
      model.embed("unauthorized");
      say("grace", here, `${mention}\n${call({ action: "save", text: "grace likes tea" })}`);
      await replies(here, 1);
      for (const [at, query] of ["beverage", "tea"].entries()) {
        say("grace", here, `${mention}\n${call({ action: "search", query })}`);
        await replies(here, 2 + at);
      }
      const [, missed = "", found = ""] = await replies(here, 3);
      assert.match(missed, /No notes found/);
      assert.match(found, /grace likes tea/);
      for (const answer of [missed, found]) assert.match(answer, /Found by words alone/);
      await line(bot, /The embedding model fails: .*HTTP 401/);
      const warnings = bot.lines.filter((text) => text.includes("The embedding model fails"));
      assert.equal(warnings.length, 1);
      const about = /Embedding model +openai\/embed-small.* fails since 20\d\d-\S+Z: .*HTTP 401/;
      await line(bot, /"Barnacle is running"/); // it answers before it listens
      const { stdout: status } = await scene.cli("status");
      assert.match(status.join("\n"), about);
      const { stdout: doctor } = await scene.cli("doctor", "--only", "host");
      assert.match(doctor.join("\n"), about);
    }, BY_MEANING));

  it("finds a note that the server refuses by its words, and others by their meaning", () =>
    withSimulation(BY_MEANING, async (scene) => {
      const { start, say, mention, replies, model, eventually } = scene;
      model.embed("refuses_some");
      await start();
      const saves = ["an unembeddable anchor", "grace likes tea"].map((text) =>
        call({ action: "save", text })
      );
      say("grace", "general", `${mention}\n${saves.join("\n")}`);
      await replies("general", 1);
      await eventually("both", () => Promise.resolve(vectors(scene).length === 2));
      assert.deepEqual(vectors(scene).map(([, , dimension]) => dimension), [0, 64]);
      for (const [at, query] of ["beverage", "anchor"].entries()) {
        say("grace", "general", `${mention}\n${call({ action: "search", query })}`);
        await replies("general", 2 + at);
      }
      const [, byMeaning = "", byWords = ""] = await replies("general", 3);
      assert.match(byMeaning, /grace likes tea/);
      assert.match(byWords, /an unembeddable anchor/);
    }));

  it("[D1] makes the vector of a note after a crash, and new ones for another model", () =>
    withSimulation(BY_MEANING, async (scene) => {
      const { start, say, mention, replies, model, until, eventually, rewrite } = scene;
      model.embed("hang");
      const dying = await start();
      say("grace", "general", `${mention}\n${call({ action: "save", text: "grace likes tea" })}`);
      await replies("general", 1);
      await until("the request", () => model.embedded.length > 0);
      await killBot(dying);
      assert.deepEqual(vectors(scene), []);
      model.embed("script");
      await start();
      await eventually("the vector", () => Promise.resolve(vectors(scene).length > 0));
      model.embed("script_wide");
      rewrite({ config: { memory: { embedding: "openai/embed-large" } } });
      await eventually(
        "another vector",
        () => Promise.resolve(vectors(scene)[0]?.includes("openai/embed-large") === true),
      );
      assert.deepEqual(vectors(scene), [[1, "openai/embed-large", 128]]);
    }));
});
