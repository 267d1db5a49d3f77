import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { guardPage, pageAccessOf } from "../../../src/extras/demo/page_server.ts";
import type { RequestHandler } from "../../../src/host/bounded_server.ts";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { answerInteraction, type Callback } from "../../../simulator/actions/interactions.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import type { TopComponent } from "../../../simulator/world/components.ts";
import type { Interaction, InteractionSubject } from "../../../simulator/world/world.ts";
import type { SeenField } from "../../../simulator/page/form.ts";
import { viewMessage } from "../../../simulator/page/view.ts";
import type { BotPanel, BotPanelNews } from "../../../simulator/page/bot_panel.ts";
import { createPage, type Opening, type Page } from "../../../simulator/page/page.ts";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";

const HOST = "127.0.0.1:8787";

function createTestPanel() {
  const pressed: string[] = [];
  const listeners = new Set<(news: BotPanelNews) => void>();
  const panel: BotPanel = {
    bot: () => ({ state: "online", headline: "Online", figures: [], controls: [] }),
    judged: () => [],
    notices: () => [],
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    press(id) {
      pressed.push(id);
      if (id === "broken") throw new RangeError("Not at the moment");
      if (id === "page") return Promise.resolve({ open: "/elsewhere#once" });
      return Promise.resolve(id === "op7" ? {} : undefined);
    },
  };
  return {
    panel,
    pressed,
    tell(news: BotPanelNews) {
      for (const listener of listeners) listener(news);
    },
  };
}

describe("[O5] createPage()", () => {
  let simulator: Simulator;
  let page: Page;
  /** The page behind the guard that the demo puts in front of it. */
  let answer: RequestHandler;
  const { panel, pressed, tell } = createTestPanel();
  const faults: unknown[] = [];

  before(async () => {
    simulator = await startSimulator();
    page = createPage({
      simulator,
      panel,
      prompts: [{ text: "help" }],
      onError: (error) => faults.push(error),
    });
    answer = guardPage(pageAccessOf(undefined), page.fetch);
  });
  after(async () => {
    page.close();
    await simulator.close();
  });

  const get = async (path: string, headers: Record<string, string> = {}) =>
    await answer(
      new Request(`http://${HOST}${path}`, { headers: { host: HOST, ...headers } }),
      {},
    );
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
    await answer(
      new Request(`http://${HOST}${path}`, {
        method: "POST",
        headers: { host: HOST, "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
      {},
    );
  const idOf = (username: string) =>
    [...simulator.world.users.values()].find((user) => user.username === username)!.id;
  const saying = (text: string, as = "grace", where = "#general") => ({
    as: idOf(as),
    channel: simulator.channel(where, as).id,
    text,
  });

  it("serves itself, and loads nothing from elsewhere", async () => {
    const html = await (await get("/")).text();
    const own = Array.from(html.matchAll(/(?:src|href)="([^"#]+)"/g), ([, path]) => path!);
    assert.ok(own.length > 3);
    for (const path of new Set(own)) {
      const response = await get(path);
      assert.equal(response.status, 200, path);
      assert.doesNotMatch(
        await response.text(),
        /https?:\/\/(?!www\.w3\.org\/2000\/svg)[a-z]/,
        path,
      );
    }
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|\bon[a-z]+=|<style|\bstyle=/);
  });

  it("serves every script that one of its scripts imports", async () => {
    const waiting = ["/main.js"];
    const seen = new Set<string>();
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const response = await get(path);
      assert.match(response.headers.get("content-type") ?? "", /^text\/javascript/, path);
      const script = await response.text();
      assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
      for (const [, next] of script.matchAll(/from "\.(\/[^"]+)"/g)) waiting.push(next!);
    }
    assert.ok(seen.size > 5);
  });

  it("sends a policy against other scripts, also with a refusal", async () => {
    for (const response of [await get("/"), await get("/", { host: "evil.example" })]) {
      const policy = response.headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /script-src 'self'(?:;|$)/);
      assert.match(policy, /require-trusted-types-for 'script'/);
      assert.match(policy, /frame-ancestors 'none'/);
    }
  });

  it("opens with everything, then sends the news", async () => {
    const response = await get("/events");
    const events = eventsOf(response);
    const { data: opening } = await events.next();
    const { world, prompts, bot } = opening as Opening;
    assert.deepEqual(prompts, [{ text: "help" }]);
    assert.equal(bot.headline, "Online");
    const direct = world.channels.filter(({ kind }) => kind === "dm");
    assert.equal(direct.length, world.people.length, "every person can write to the bot directly");

    simulator.say({ as: "grace", in: "#general", text: "<b>hi</b>" });
    const { data: said } = await events.next() as { data: { message: { text: string } } };
    assert.equal(said.message.text, "<b>hi</b>");
    tell({ kind: "notice", notice: { at: 1, level: "info", text: "news" } });
    assert.equal((await events.next() as { data: { kind: string } }).data.kind, "notice");
    await events.close();
  });

  it("writes, types and reacts as a person", async () => {
    assert.equal((await post("/say", saying("hello"))).status, 204);
    const general = simulator.channel("#general");
    const said = [...general.messages.values()].at(-1)!;
    assert.equal(said.content, "hello");
    const on = { as: idOf("ada"), channel: general.id, message: said.id, emoji: "👀" };
    assert.equal((await post("/react", on)).status, 204);
    assert.deepEqual([...said.reactions.keys()], ["👀"]);
    assert.equal((await post("/unreact", on)).status, 204);
    assert.equal(said.reactions.get("👀")?.size ?? 0, 0);
    const typing = { as: idOf("ada"), channel: general.id };
    assert.equal((await post("/type", typing)).status, 204);
  });

  it("sends files, also without words, and keeps their type", async () => {
    const text = "low tide at nine";
    const file = { name: "my notes.md", type: "text/markdown", data: btoa(text) };
    assert.equal((await post("/say", { ...saying(""), files: [file] })).status, 204);
    const [sent] = [...simulator.channel("#general").messages.values()].at(-1)!.attachments;
    assert.equal(sent?.filename, "my_notes.md");
    assert.equal(sent?.contentType, "text/markdown");
    assert.equal(new TextDecoder().decode(sent?.bytes), text);
  });

  it("returns Discord's refusal", async () => {
    const response = await post("/say", saying("x".repeat(4_001)));
    assert.equal(response.status, 400);
    assert.match(await response.text(), /4000 characters/);
    const intruder = await post("/say", saying("let me in", "mallory", "#general"));
    assert.equal(intruder.status, 400);
    assert.match(await intruder.text(), /Cannot say something/);
    assert.deepEqual(faults, []);
  });

  it("lets no person act as a bot", async () => {
    const response = await post("/say", { ...saying("I am the bot"), as: idOf("Barnacle") });
    assert.equal(response.status, 400);
  });

  it("presses buttons, and reports an unknown one", async () => {
    assert.equal((await post("/press", { control: "op7" })).status, 204);
    assert.equal((await post("/press", { control: "nonsense" })).status, 400);
    const opened = await post("/press", { control: "page" });
    assert.deepEqual(await opened.json(), { open: "/elsewhere#once" });
    const refused = await post("/press", { control: "broken" });
    assert.deepEqual([refused.status, await refused.text()], [400, "Not at the moment"]);
    assert.deepEqual(pressed, ["op7", "nonsense", "page", "broken"]);
  });

  /** A message of the bot with a button and a file. */
  const postAsBot = (components: readonly TopComponent[] = [{
    type: 1,
    id: 1,
    components: [{ type: 2, id: 2, style: 3, custom_id: "pairing:yes", label: "Approve" }],
  }]) => {
    const { world, application } = simulator;
    const outcome = postMessage(
      world,
      simulator.channel("dm", "ada").id,
      { kind: "user", userId: application.userId },
      {
        ...EMPTY_DRAFT,
        content: "Approve?",
        components,
        attachments: [{
          filename: "page.html",
          sizeBytes: 5,
          contentType: "text/html",
          bytes: new TextEncoder().encode("<b>hi"),
        }],
      },
      Date.now(),
    );
    assert.equal(outcome.kind, "done");
    if (outcome.kind !== "done") throw new TypeError("refused");
    return viewMessage(world, outcome.value.message);
  };

  it("[P3] shows the bot's buttons, presses them, and passes on the bot's answer", async () => {
    const message = postAsBot();
    assert.deepEqual(message.buttons, [
      { customId: "pairing:yes", label: "Approve", style: "success", isDisabled: false },
    ]);
    const press = (as: string, button = "pairing:yes") =>
      post("/click", { as: idOf(as), channel: message.channelId, message: message.id, button });
    const stop = simulator.subscribe((event) => {
      if (event.kind !== "interaction_created") return;
      const { interaction } = event;
      const draft = { ...EMPTY_DRAFT, content: "Done", flags: 64 };
      answerInteraction(simulator.world, interaction, { kind: "reply", draft }, Date.now());
    });
    const answered = await press("ada");
    stop();
    assert.deepEqual(await answered.json(), { whisper: "Done" });
    assert.equal((await press("ada", "pairing:none")).status, 400);
    assert.equal((await press("mallory")).status, 400, "it is not her channel");
    const failed = await press("ada");
    assert.equal(failed.status, 400);
    assert.match(await failed.text(), /did not answer within 3 seconds/);
  });

  describe("with a menu and a form", () => {
    const MODAL = {
      custom_id: "ask:1",
      title: "Where?",
      components: [
        {
          type: 18 as const,
          label: "Port",
          description: "Any",
          component: { type: 4 as const, custom_id: "port", style: 1 as const, max_length: 9 },
        },
        {
          type: 18 as const,
          label: "Crew",
          component: { type: 5 as const, custom_id: "crew", max_values: 2 },
        },
        {
          type: 18 as const,
          label: "Chart",
          component: { type: 19 as const, custom_id: "chart", required: false },
        },
        { type: 18 as const, label: "Sure", component: { type: 23 as const, custom_id: "sure" } },
      ],
    };
    /** Answers each use of a component in the bot's place. */
    async function withBot<Result>(
      answer: (interaction: Interaction) => Callback,
      test: () => Promise<Result>,
    ): Promise<Result> {
      const stop = simulator.subscribe((event) => {
        if (event.kind !== "interaction_created") return;
        const { interaction } = event;
        answerInteraction(simulator.world, interaction, answer(interaction), Date.now());
      });
      return await test().finally(stop);
    }
    const whisper = (content: string): Callback => ({
      kind: "reply",
      draft: { ...EMPTY_DRAFT, content, flags: 64 },
    });

    it("[T10] shows the bot's menus, and chooses their options by their texts", async () => {
      const menu = { type: 3, id: 3, custom_id: "ask:menu", min_values: 1, max_values: 2 } as const;
      const options = ["high", "low"].map((label, at) => ({ label, value: `${at}` }));
      const message = postAsBot([
        { type: 1, id: 1, components: [{ ...menu, placeholder: "Tides", options }] },
      ]);
      assert.deepEqual(message.menus, [{
        customId: "ask:menu",
        placeholder: "Tides",
        labels: ["high", "low"],
        min: 1,
        max: 2,
        isDisabled: false,
      }]);
      const chosen: unknown[] = [];
      const choose = (labels: readonly string[], as = "ada") =>
        post("/choose", {
          as: idOf(as),
          channel: message.channelId,
          message: message.id,
          menu: "ask:menu",
          labels,
        });
      await withBot(({ subject }) => {
        if (subject.kind === "select") chosen.push(subject.values);
        return whisper("Noted");
      }, async () => {
        assert.deepEqual(await (await choose(["low", "high"])).json(), { whisper: "Noted" });
        for (const wrong of [[], ["middle"], ["low", "low"]]) {
          assert.equal((await choose(wrong)).status, 400, wrong.join());
        }
        assert.equal((await choose(["low"], "mallory")).status, 400, "it is not her channel");
      });
      assert.deepEqual(chosen, [["0", "1"]]);
    });

    it("[T10] shows a form to the person who opened it, and submits it for that person alone", async () => {
      const message = postAsBot();
      const submitted: InteractionSubject[] = [];
      await withBot((interaction) => {
        if (interaction.subject.kind !== "modal") return { kind: "modal", modal: MODAL };
        submitted.push(interaction.subject);
        return whisper("Thanks");
      }, async () => {
        const opened = await post("/click", {
          as: idOf("ada"),
          channel: message.channelId,
          message: message.id,
          button: "pairing:yes",
        });
        const { form } = await opened.json();
        assert.equal(form.title, "Where?");
        assert.deepEqual(
          form.fields.map((
            field: SeenField,
          ) => [field.label, field.kind, field.isRequired, field.max]),
          [
            ["Port", "line", true, 9],
            ["Crew", "options", true, 2],
            ["Chart", "files", false, 1],
            ["Sure", "yes_no", false, 1],
          ],
        );
        const grace = idOf("grace");
        assert.ok(form.fields[1].options.some(({ value }: { value: string }) => value === grace));
        const values = { Port: "Kiel", Crew: [grace], Sure: true };
        const data = btoa("x");
        const files = { Chart: [{ name: "../chart.png", type: "image/png", data }] };
        const submit = (body: object, as = "ada") =>
          post("/submit", { as: idOf(as), form: form.id, values, files, ...body });
        assert.equal((await submit({}, "grace")).status, 400, "she has not opened it");
        assert.equal((await submit({ form: "1" })).status, 400, "there is no such form");
        const tooLong = await submit({ values: { ...values, Port: "Wilhelmshaven" } });
        assert.match(await tooLong.text(), /Invalid Form Body/);
        assert.deepEqual(submitted, []);
        assert.deepEqual(await (await submit({})).json(), { whisper: "Thanks" });
      });
      const [subject] = submitted;
      assert.ok(subject?.kind === "modal");
      assert.deepEqual([subject.values["port"], subject.values["crew"], subject.values["sure"]], [
        "Kiel",
        [idOf("grace")],
        true,
      ]);
      assert.deepEqual(subject.files.map(({ sizeBytes }) => sizeBytes), [1]);
    });
  });

  it("opens a file as text, and never as a page", async () => {
    const { attachments: [file] } = postAsBot();
    assert.ok(file);
    assert.deepEqual([file.name, file.sizeBytes], ["page.html", 5]);
    const response = await get(file.path);
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.match(response.headers.get("content-disposition") ?? "", /^inline;.*page\.html$/);
    assert.equal(await response.text(), "<b>hi");
    assert.equal((await get("/files/1/2/none.txt")).status, 404);
  });

  const REFUSED: readonly (readonly [string, Record<string, string>])[] = [
    ["another name for this machine (DNS rebinding)", { host: "evil.example" }],
    ["another name with our port", { host: "evil.example:8787" }],
    ["another site's page", { origin: "https://evil.example" }],
    ["a page of another port of this machine", { origin: "http://127.0.0.1:9999" }],
    ["a page without an origin", { origin: "null" }],
    ["another site, by the browser's own word", { "sec-fetch-site": "cross-site" }],
    ["the same site, but another origin", { "sec-fetch-site": "same-site" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["a form that disguises itself", { "content-type": "text/plain" }],
  ];
  for (const [who, headers] of REFUSED) {
    it(`[O6] refuses ${who}, and does nothing`, async () => {
      const before = pressed.length;
      const said = simulator.channel("#general").messages.size;
      assert.equal((await post("/press", { control: "op7" }, headers)).status, 403);
      assert.equal((await post("/say", saying("forged"), headers)).status, 403);
      assert.equal(pressed.length, before);
      assert.equal(simulator.channel("#general").messages.size, said);
    });
  }

  it("refuses other shapes, text that is not JSON, and large bodies", async () => {
    for (const body of [{}, [], "not json", { ...saying("x"), more: 1 }, { ...saying("") }]) {
      assert.equal((await post("/say", body)).status, 400);
    }
    assert.equal((await post("/press", { control: "x".repeat(40_000) })).status, 413);
    assert.equal((await post("/say", saying("x".repeat(13_000_000)))).status, 413);
    const unreadable = [{ name: "a.txt", type: "", data: "not base64" }];
    assert.equal((await post("/say", { ...saying(""), files: unreadable })).status, 400);
    assert.equal((await get("/nothing")).status, 404);
    assert.equal((await get("/say")).status, 405);
    assert.deepEqual(faults, []);
  });
});

function eventsOf(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let read = "";
  return {
    async next(): Promise<{ readonly event: string; readonly data: unknown }> {
      for (;;) {
        const end = read.indexOf("\n\n");
        if (end >= 0) {
          const [event = "", data = ""] = read.slice(0, end).split("\n");
          read = read.slice(end + 2);
          return { event: event.slice(7), data: JSON.parse(data.slice(6)) };
        }
        const { value, done } = await reader.read();
        assert.ok(!done, "the stream ended");
        read += value;
      }
    },
    close: () => reader.cancel(),
  };
}
