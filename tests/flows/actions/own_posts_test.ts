import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ActionScene, withActions } from "./actions_harness.ts";

/** Lets the tool make a poll for a person; returns its id. */
async function pollBy(
  { run, permit }: ActionScene,
  asking: Parameters<ActionScene["run"]>[1] = {},
) {
  permit("sendPolls", "sendMessages", "readMessageHistory");
  const made = await run({ action: "poll", question: "Tea?", answers: ["yes", "no"] }, asking);
  assert.match(made, /"sent":true/);
  return String(JSON.parse(made).messageIds[0]);
}

const NOT_THEIRS =
  /the bot posted it for another person; only they and owners of the bot may do that/;

describe("[T4] a message that the bot posted for a person", () => {
  it("is a poll that this person ends, and no other person with the same rights", () =>
    withActions(async (scene) => {
      const { run, sim, refused, demo: { people } } = scene;
      const messageId = await pollBy(scene);
      sim.setRoles({ who: "mallory", roles: ["officers"] });
      const end = { action: "pollEnd", messageId };
      assert.match(await run(end, { by: people.mallory }), NOT_THEIRS);
      assert.deepEqual(refused, ["not_theirs"]);
      assert.match(await run({ ...end, dryRun: true }, { by: people.mallory }), NOT_THEIRS);
      assert.match(await run(end), /"ended":true/);
    }));

  it("[T3] is a poll that ends only after a question, because it cannot open again", () =>
    withActions(async (scene) => {
      const { ask, run, writes } = scene;
      const messageId = await pollBy(scene);
      const before = writes().length;
      const end = { action: "pollEnd", messageId };
      const question = await ask(end);
      assert.equal(question?.exact, `end the poll ${messageId}`);
      assert.match(await run(end, { decision: { kind: "expired" } }), /no person decided in time/);
      assert.equal(writes().length, before);
    }));

  it("is a poll that neither an administrator nor a turn of two people ends", () =>
    withActions(async (scene) => {
      const { run, sim, demo: { people } } = scene;
      const messageId = await pollBy(scene);
      sim.setRoles({ who: "mallory", roles: ["captain"] });
      const end = { action: "pollEnd", messageId };
      assert.match(await run(end, { by: people.mallory }), NOT_THEIRS);
      assert.match(await run(end, { also: people.mallory }), NOT_THEIRS);
    }));

  it("is a poll that an owner of the bot ends", () =>
    withActions(async (scene) => {
      const { run, demo: { people } } = scene;
      const messageId = await pollBy(scene);
      const asking = { by: people.ada, isOwner: true };
      assert.match(await run({ action: "pollEnd", messageId }, asking), /"ended":true/);
    }));

  it("is a poll that only owners end if it is not known for whom the bot posted it", () =>
    withActions(async (scene) => {
      const { run, sim, permit, demo: { channels, barnacle } } = scene;
      permit("sendPolls");
      const posted = sim.say({ as: "ada", in: "general", text: "x" });
      channels.general.messages.set(posted.id, {
        ...posted,
        author: { kind: "user", userId: barnacle.userId },
        poll: {
          question: "Tea?",
          answers: ["yes", "no"],
          hours: 24,
          allowsSeveral: false,
          votes: new Map(),
          isOver: false,
        },
      });
      assert.match(await run({ action: "pollEnd", messageId: posted.id }), NOT_THEIRS);
    }));

  it("is theirs to delete, and another person's only with Manage Messages", () =>
    withActions(async (scene) => {
      const { run, sim, demo: { people } } = scene;
      const messageId = await pollBy(scene);
      const remove = { action: "deleteMessage", messageId };
      assert.match(await run(remove, { by: people.mallory }), /Manage Messages/);
      assert.equal(await run(remove), "Deleted. It cannot be undone.");
      assert.equal(
        sim.posted(scene.demo.channels.general.id).some(({ id }) => id === messageId),
        false,
      );
    }));
});
