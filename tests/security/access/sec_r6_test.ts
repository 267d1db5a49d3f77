/** People and bots who want to wake the bot without its mention. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";

const WAKES = "accept: mentioned";
const SLEEPS = "ignore: no-mention";

interface Case {
  readonly what: string;
  readonly as?: string;
  readonly text: string;
  /** The author of the message that it replies to. */
  readonly repliesTo?: string;
  readonly verdict: string;
}

/** Twelve ways to address someone; other bots may talk to this one. */
function casesFor({ simulator, user, mention }: Scene): readonly Case[] {
  const [krill] = simulator.world.guilds.values();
  const roleNamed = (name: string) =>
    [...krill?.roles.values() ?? []].find((role) => role.name === name)?.id;
  return [
    { what: "its mention", text: `${mention} hi`, verdict: WAKES },
    { what: "its own role", as: "ada", text: `<@&${roleNamed("Barnacle")}> hi`, verdict: WAKES },
    { what: "a reply to it", text: "and?", repliesTo: "Barnacle", verdict: WAKES },
    { what: "another bot's mention", as: "Limpet", text: `${mention} hi`, verdict: WAKES },
    { what: "@everyone", as: "ada", text: "@everyone look", verdict: SLEEPS },
    { what: "@here", as: "ada", text: "@here look", verdict: SLEEPS },
    { what: "another role", text: `<@&${roleNamed("helpers")}> help`, verdict: SLEEPS },
    { what: "everyone's role", as: "ada", text: `<@&${krill?.id}> look`, verdict: SLEEPS },
    { what: "another user", text: `<@${user("ada").id}> hi`, verdict: SLEEPS },
    { what: "a reply to a person", text: "yes", repliesTo: "ada", verdict: SLEEPS },
    { what: "a bot's reply", as: "Limpet", text: "x", repliesTo: "Barnacle", verdict: SLEEPS },
    { what: "its mention in code", text: `\`${mention}\` hi`, verdict: SLEEPS },
  ];
}

it("[SEC-R6] a message that mentions others › wakes the bot only by its mention, its role or a person's reply", () =>
  withSimulation({ discord: () => ({ allowBots: true }) }, async (scene) => {
    const { simulator, start, decided, replies } = scene;
    await start();
    const general = simulator.channel("general").id;
    const authorId = scene.user("Barnacle").id;
    const postedByBot = () => {
      const draft = { ...EMPTY_DRAFT, content: "I am here" };
      const author = { kind: "user" as const, userId: authorId };
      const posted = postMessage(simulator.world, general, author, draft, Date.now());
      assert.ok(posted.kind === "done");
      simulator.publish(posted.events);
      return posted.value.message;
    };
    const cases = casesFor(scene);
    assert.equal(cases.length, 12);
    for (const { what, as = "grace", text, repliesTo, verdict } of cases) {
      const quoted = repliesTo === "Barnacle"
        ? postedByBot()
        : repliesTo && scene.say(repliesTo, "general", "hello");
      const said = scene.say(as, "general", text, quoted ? quoted.id : undefined);
      if (as === "ada" && text.startsWith("@")) assert.ok(said.pings.everyone, what);
      assert.equal(await decided(said), verdict, what);
    }
    const woken = cases.filter(({ verdict }) => verdict === WAKES).length;
    await replies("general", woken + 2);
    assert.equal(scene.model.requests.length, woken);
  }));
