import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type MissingHere,
  type RefusalSubject,
  subjectOf,
} from "../../../src/core/outbound/delivery.ts";

describe("[D5] subjectOf()", () => {
  type Case = readonly [
    what: string,
    code: number | undefined,
    files: number,
    MissingHere,
    RefusalSubject,
  ];
  const table: readonly Case[] = [
    ["parks without a permission for all messages", 50013, 0, "other", "place"],
    ["parks a file's channel without that permission", 50013, 1, "other", "place"],
    ["[R12a] removes a file that may not be attached", 50013, 1, "files", "files"],
    ["[R12a] tries a message without its files if nothing is missing", 50013, 1, "none", "files"],
    ["sets a message aside if nothing is missing", 50013, 0, "none", "message"],
    ["does so without a code of Discord's", undefined, 0, "none", "message"],
    ["does so after a 404", 10015, 0, "none", "message"],
    ["parks if the permissions are unknown", 50013, 0, "unknown", "place"],
    ["sets aside a person who accepts no messages", 50007, 0, "unknown", "message"],
    ["parks a locked thread", 160005, 1, "none", "place"],
    ["sets aside a message for an unknown channel", 10003, 0, "unknown", "message"],
    ["parks a guild's verification level", 50009, 0, "none", "place"],
    ["sets aside what AutoMod blocks", 200000, 0, "unknown", "message"],
    ["sets aside a harmful link", 240000, 0, "unknown", "message"],
  ];
  for (const [what, code, fileCount, missing, expected] of table) {
    it(what, () => assert.equal(subjectOf({ code, fileCount }, missing), expected));
  }
});
