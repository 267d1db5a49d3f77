import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { viewWorld } from "../../../simulator/page/view.ts";

describe("[O5] viewWorld()", () => {
  const { world, barnacle, people, channels, elsewhereGeneral, malloryDm } = demoWorld();
  const seen = viewWorld(world, barnacle.userId);
  const viewersOf = (id: string) => seen.channels.find((channel) => channel.id === id)?.viewers;

  it("shows the people, and no bot among them", () => {
    assert.deepEqual(seen.people.map(({ username, note }) => [username, note]), [
      ["ada", "owner of the bot"],
      ["grace", "member of Krill & Co"],
      ["mallory", "unknown to the bot"],
      ["edsger", "member of Elsewhere"],
    ]);
  });

  it("shows each channel to its readers", () => {
    assert.deepEqual(viewersOf(channels.general.id), [people.ada.id, people.grace.id]);
    assert.deepEqual(viewersOf(channels.thread.id), [people.ada.id, people.grace.id]);
    assert.deepEqual(viewersOf(elsewhereGeneral.id), [people.edsger.id]);
    assert.deepEqual(viewersOf(malloryDm.id), [people.mallory.id]);
  });

  it("names the target of each mention", () => {
    assert.equal(seen.names[`@${people.ada.id}`], "@Ada");
    assert.equal(seen.names[`#${channels.help.id}`], "#help");
    assert.equal(seen.names[`@&${world.guilds.keys().next().value}`], "@everyone");
  });

  it("contains no token", () => {
    const text = JSON.stringify(seen);
    for (const { token } of world.applications.values()) assert.ok(!text.includes(token));
  });
});
