import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Interaction } from "../../../simulator/world/world.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { createRequestValidator } from "../../support/discord/openapi.ts";
import { type Answer, ask, connectReady, isEvent, soon, withSimulator } from "../raw_client.ts";

const openapi = createRequestValidator();
const NO_PINGS = { allowed_mentions: { parse: [] } };
const BUTTONS = [{
  type: 1,
  components: [
    { type: 2, style: 3, custom_id: "yes", label: "Approve" },
    { type: 2, style: 4, custom_id: "no", label: "Deny" },
    { type: 2, style: 2, custom_id: "off", label: "Off", disabled: true },
  ],
}];

const codeOf = ({ status, body }: Answer): string =>
  status < 400 ? String(status) : `${status} ${Object(body).code}`;

/** The bot posts a message with buttons; its id. */
async function offer(
  sim: Simulator,
  where: string,
  as?: string,
  token = sim.token,
): Promise<string> {
  const path = `/channels/${sim.channel(where, as).id}/messages`;
  const body = { content: "Let them in?", components: BUTTONS, ...NO_PINGS };
  const answer = await ask({ ...sim, token }, "POST", path, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return String(Object(answer.body).id);
}

/** Answers with the interaction's token alone, without the bot's. */
async function answer(
  sim: Simulator,
  { id, token }: Pick<Interaction, "id" | "token">,
  body: unknown,
): Promise<Answer> {
  const path = `/interactions/${id}/${token}/callback`;
  const given = await ask(sim, "POST", path, body, { Authorization: "" });
  const record = sim.requests.records().at(-1);
  assert.ok(record);
  if (given.status < 400) {
    assert.deepEqual(openapi.problemsOf(record), []);
    assert.deepEqual(openapi.problemsOfAnswer(record, given.status, given.body), []);
  }
  return given;
}

/** Ada presses the first button of a new message. */
async function pressIn(sim: Simulator): Promise<Interaction> {
  const message = await offer(sim, "#general");
  return sim.press({ as: "ada", in: "#general", message, customId: "yes" });
}

const UPDATE = { type: 7, data: { content: "Approved", components: [], ...NO_PINGS } };
const WHISPER = { type: 4, data: { content: "Not for you", flags: 64, ...NO_PINGS } };

describe("[P3] a message with buttons", () => {
  it(
    "is read back with them, as Discord's document says",
    { skip: openapi.skip },
    () =>
      withSimulator(async (sim, { channels }) => {
        const id = await offer(sim, "#general");
        const read = await ask(sim, "GET", `/channels/${channels.general.id}/messages/${id}`);
        const record = sim.requests.records().at(-1);
        assert.ok(record);
        assert.deepEqual(openapi.problemsOfAnswer(record, read.status, read.body), []);
        const [row] = Object(read.body).components;
        assert.deepEqual(row.components[0], {
          type: 2,
          id: 2,
          style: 3,
          custom_id: "yes",
          label: "Approve",
        });
      }),
  );

  it("keeps them through an edit without components, and loses them by one with an empty list", () =>
    withSimulator(async (sim) => {
      const id = await offer(sim, "#general");
      const path = `/channels/${sim.channel("#general").id}/messages/${id}`;
      const rows = async (body: object) => {
        const { body: edited } = await ask(sim, "PATCH", path, { ...body, ...NO_PINGS });
        return Object(edited).components.length;
      };
      assert.equal(await rows({ content: "Well?" }), 1);
      assert.equal(await rows({ components: [] }), 0);
    }));
});

describe("[P3] press()", () => {
  it("sends only the message's application the member with its permissions", () =>
    withSimulator(async (sim, { people, barnacle, otherBot, channels, krill }) => {
      const [own, other] = await Promise.all([
        connectReady(sim),
        connectReady(sim, { token: otherBot.token }),
      ]);
      const message = await offer(sim, "#general");
      const pressed = sim.press({ as: "ada", in: "#general", message, customId: "yes" });
      const { d } = await own.frame(isEvent("INTERACTION_CREATE"));
      const { id, token, application_id, type, version, data, guild_id, channel_id, context } = d ??
        {};
      assert.deepEqual(
        { id, token, application_id, type, version, data, guild_id, channel_id, context },
        {
          id: pressed.id,
          token: pressed.token,
          application_id: barnacle.id,
          type: 3,
          version: 1,
          data: { component_type: 2, custom_id: "yes", id: 2 },
          guild_id: krill.id,
          channel_id: channels.general.id,
          context: 0,
        },
      );
      assert.equal(Object(d?.["message"]).id, message);
      assert.equal(Object(d?.["member"]).user.id, people.ada.id);
      assert.equal(BigInt(Object(d?.["member"]).permissions) >> 13n & 1n, 1n); // owns the guild
      assert.equal(d?.["user"], undefined);
      assert.deepEqual(Object(d?.["authorizing_integration_owners"]), { 0: krill.id });
      sim.say({ as: "ada", in: "#general", text: "after it" });
      await other.frame(({ d: heard }) => heard?.["content"] === "after it");
      assert.equal(other.frames.some(isEvent("INTERACTION_CREATE")), false);
      own.close();
      other.close();
    }));

  it("sends a user in direct messages, with any intents", () =>
    withSimulator(async (sim, { people }) => {
      const bot = await connectReady(sim, { intents: 0 });
      const message = await offer(sim, "dm", "ada");
      sim.press({ as: "ada", in: "dm", message, customId: "no" });
      const { d } = await bot.frame(isEvent("INTERACTION_CREATE"));
      assert.equal(Object(d?.["user"]).id, people.ada.id);
      assert.deepEqual([d?.["member"], d?.["guild_id"], d?.["context"]], [undefined, undefined, 1]);
      bot.close();
    }));

  it("goes to the message's bot, although another bot has a button of that name", () =>
    withSimulator(async (sim, { otherBot }) => {
      const theirs = await offer(sim, "#general", undefined, otherBot.token);
      const pressed = sim.press({ as: "ada", in: "#general", message: theirs, customId: "yes" });
      assert.equal(pressed.applicationId, otherBot.id);
    }));

  const refused: readonly [what: string, press: (sim: Simulator, message: string) => unknown][] = [
    [
      "a button that is not there",
      (sim, message) => sim.press({ as: "ada", in: "#general", message, customId: "maybe" }),
    ],
    [
      "one that is switched off",
      (sim, message) => sim.press({ as: "ada", in: "#general", message, customId: "off" }),
    ],
    [
      "one in a channel that one does not see",
      (sim, message) => sim.press({ as: "mallory", in: "#general", message, customId: "yes" }),
    ],
    ["one below a person's message", (sim) => {
      const { id } = sim.say({ as: "ada", in: "#general", text: "no buttons" });
      return sim.press({ as: "ada", in: "#general", message: id, customId: "yes" });
    }],
  ];
  for (const [what, press] of refused) {
    it(`cannot be of ${what}`, () =>
      withSimulator(async (sim) => {
        const message = await offer(sim, "#general");
        assert.throws(() => press(sim, message), RangeError);
        assert.equal(sim.world.interactions.size, 0);
      }));
  }
});

describe("[P3] the answer to a press", () => {
  it("changes the button's message, and removes the buttons", () =>
    withSimulator(async (sim) => {
      const pressed = await pressIn(sim);
      assert.equal(codeOf(await answer(sim, pressed, UPDATE)), "204");
      const [message] = sim.posted("#general");
      assert.deepEqual([message?.content, message?.components], ["Approved", []]);
      assert.equal(sim.world.interactions.get(pressed.id)?.answer?.kind, "updated");
    }));

  it("is for that person alone if it is ephemeral, and is in no channel", () =>
    withSimulator(async (sim) => {
      const before = (await pressIn(sim), sim.posted("#general").length);
      const pressed = [...sim.world.interactions.values()][0];
      assert.ok(pressed);
      assert.equal(codeOf(await answer(sim, pressed, WHISPER)), "204");
      assert.deepEqual(sim.ephemeral("ada").map(({ content }) => content), ["Not for you"]);
      assert.deepEqual(sim.ephemeral("grace"), []);
      assert.equal(sim.posted("#general").length, before);
    }));

  it("is a usual message if it is not ephemeral", () =>
    withSimulator(async (sim) => {
      const pressed = await pressIn(sim);
      await answer(sim, pressed, { type: 4, data: { content: "Done", ...NO_PINGS } });
      assert.deepEqual(sim.posted("#general").map(({ content }) => content), [
        "Let them in?",
        "Done",
      ]);
      assert.deepEqual(sim.ephemeral("ada"), []);
    }));

  it("may come later, after a deferral", () =>
    withSimulator(async (sim) => {
      for (const type of [5, 6]) {
        assert.equal(codeOf(await answer(sim, await pressIn(sim), { type })), "204");
      }
    }));

  it("is given once", () =>
    withSimulator(async (sim) => {
      const pressed = await pressIn(sim);
      assert.equal(codeOf(await answer(sim, pressed, UPDATE)), "204");
      assert.equal(codeOf(await answer(sim, pressed, WHISPER)), "400 40060");
      assert.deepEqual(sim.ephemeral("ada"), []);
    }));

  it("is given within three seconds, or the press has failed", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim) => {
      const [inTime, late] = [await pressIn(sim), await pressIn(sim)];
      clock.advance(3_000);
      assert.deepEqual(sim.failedInteractions(), []);
      assert.equal(codeOf(await answer(sim, inTime, UPDATE)), "204");
      clock.advance(1);
      assert.equal(codeOf(await answer(sim, late, UPDATE)), "404 10062");
      assert.deepEqual(sim.failedInteractions().map(({ id }) => id), [late.id]);
    }, { now: clock.now, rateLimits: false });
  });

  it("accepts only the interaction's token", () =>
    withSimulator(async (sim) => {
      const pressed = await pressIn(sim);
      assert.equal(
        codeOf(await answer(sim, { ...pressed, token: "guessed" }, UPDATE)),
        "401 50027",
      );
      const unknown = { ...pressed, id: "1450000000000000099" as Interaction["id"] };
      assert.equal(codeOf(await answer(sim, unknown, UPDATE)), "404 10062");
      assert.equal(pressed.answer, undefined);
    }));

  const wrong: readonly [what: string, body: unknown][] = [
    ["a type that no button has", { type: 1 }],
    ["words without data", { type: 4 }],
    ["a nonce", { type: 4, data: { content: "x", nonce: "1", ...NO_PINGS } }],
    ["an unknown field", { type: 7, data: { contnet: "x" } }],
    ["text that may ping anyone", { type: 4, data: { content: "x" } }],
  ];
  for (const [what, body] of wrong) {
    it(`is refused with ${what}, and may be given again`, () =>
      withSimulator(async (sim) => {
        const pressed = await pressIn(sim);
        assert.equal(codeOf(await answer(sim, pressed, body)), "400 50035");
        assert.equal(codeOf(await answer(sim, pressed, UPDATE)), "204");
      }));
  }

  it("does not count against the bot's limits", () =>
    withSimulator(async (sim, { barnacle }) => {
      for (let n = 0; n < 4; n += 1) await answer(sim, await pressIn(sim), UPDATE);
      assert.equal(sim.account(barnacle).rateLimited, 0);
      await sim.until(() => sim.requests.records().length >= 8 || undefined, soon());
    }, { rateLimits: { globalPerSec: 4 } }));
});

describe("[K5] later answers to an interaction", () => {
  const DEFER = { type: 6 };

  /** Sends a request by the interaction's token alone. */
  async function later(
    sim: Simulator,
    { applicationId, token }: Interaction,
    [method, message]: readonly [method: "POST" | "PATCH", message?: string],
    body: object,
  ): Promise<Answer> {
    const path = `/webhooks/${applicationId}/${token}${message ? `/messages/${message}` : ""}`;
    const given = await ask(sim, method, path, { ...body, ...NO_PINGS }, { Authorization: "" });
    const record = sim.requests.records().at(-1);
    assert.ok(record);
    if (given.status < 400) assert.deepEqual(openapi.problemsOf(record), []);
    return given;
  }

  it("change the component's message once its change was deferred, and not before", () =>
    withSimulator(async (sim) => {
      const pressed = await pressIn(sim);
      const edit = ["PATCH", "@original"] as const;
      const body = { content: "Approved", components: [] };
      assert.equal(codeOf(await later(sim, pressed, edit, body)), "404 10015");
      assert.equal(codeOf(await answer(sim, pressed, DEFER)), "204");
      assert.equal(pressed.answer?.kind, "deferred");
      for (let times = 0; times < 2; times += 1) {
        assert.equal(codeOf(await later(sim, pressed, edit, body)), "200");
      }
      assert.deepEqual(sim.posted().map(({ content }) => content), ["Approved"]);
      assert.equal(codeOf(await answer(sim, pressed, DEFER)), "400 40060");
    }));

  it("are messages for the person alone, which can be changed", () =>
    withSimulator(async (sim) => {
      const pressed = await pressIn(sim);
      assert.equal(codeOf(await later(sim, pressed, ["POST"], { content: "x" })), "404 10015");
      await answer(sim, pressed, DEFER);
      for (const content of ["Wait", "And more"]) {
        const { body } = await later(sim, pressed, ["POST"], { content, flags: 64 });
        await later(sim, pressed, ["PATCH", String(Object(body).id)], { content: `${content}!` });
      }
      assert.deepEqual(sim.ephemeral("ada").map(({ content }) => content), ["Wait!", "And more!"]);
      const unknown = await later(sim, pressed, ["PATCH", "1"], { content: "x" });
      assert.equal(codeOf(unknown), "404 10008");
    }));
});
