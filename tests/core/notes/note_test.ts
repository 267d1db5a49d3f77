import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NOTE_SCOPES, scopeKeyOf, visibleKeys } from "../../../src/features/notes/store.ts";
import type { GuildPlace } from "../../../src/core/inbound/inbound.ts";
import { toolContext } from "../../support/model/tools.ts";

const { message } = toolContext();

/** A message in a channel of the guild, which may be age-restricted. */
const inChannel = (isRestricted: boolean) => {
  assert.equal(message.place.kind, "guild");
  const place = message.place as GuildPlace;
  return {
    ...message,
    place: { ...place, ...(isRestricted && { isAgeRestricted: true as const }) },
  };
};

describe("[T14] visibleKeys()", () => {
  const restricted = inChannel(true);
  const open = inChannel(false);

  it("[H9] hides notes of age-restricted channels from other channels", () => {
    const keys = visibleKeys({ ...open, channelId: "9" as typeof open.channelId }, true);
    for (const scope of NOTE_SCOPES) {
      const key = scopeKeyOf(scope, restricted);
      assert.ok(key === undefined || !keys.includes(key), key);
    }
  });

  it("[H9] shows notes of all channels of the guild in age-restricted ones", () => {
    const keys = visibleKeys(restricted, true);
    for (const asker of [open, restricted]) {
      for (const scope of NOTE_SCOPES) {
        const key = scopeKeyOf(scope, asker);
        assert.ok(key === undefined || keys.includes(key), key);
      }
    }
    assert.equal(new Set(keys).size, keys.length);
  });
});
