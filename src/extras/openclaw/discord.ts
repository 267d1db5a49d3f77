/** Imports `channels.discord` of OpenClaw: its accounts, and rules that depend on several keys. */

import { isList, isRecord, valueAt } from "../../config/text/tree.ts";
import { ACCOUNT } from "./account.ts";
import { lineAt } from "./read.ts";
import {
  applyRules,
  type Convert,
  dropped,
  fieldAt,
  type ImportedPlace,
  type ImportTarget,
  noteChanged,
  noteInvalid,
  noteLeft,
  setWithin,
  type SourceField,
} from "./rules.ts";

type OpenclawSection = Readonly<Record<string, unknown>>;

/** `channels.discord`, with its accounts. */
export const discord: Convert = (value: unknown, field: SourceField): unknown => {
  if (!isRecord(value)) return noteLeft(field, "Expected an object");
  const source = spread(newerFirst(value, field), field);
  const root = account(source, field, {}, true);
  if (!Object.hasOwn(source, "accounts")) return root;
  const accounts = fieldAt(field, source, "accounts");
  if (!isRecord(accounts.value)) return noteInvalid(accounts, "Expected an object") ?? root;
  const target: ImportTarget = {};
  for (const key of Object.keys(accounts.value)) {
    const at = fieldAt(accounts, accounts.value, key);
    if (!isRecord(at.value)) {
      noteInvalid(at, "Expected an object");
      continue;
    }
    let own = newerFirst(at.value, at);
    if (source["enabled"] === false && Object.hasOwn(own, "enabled")) {
      noteChanged(at, "The whole bot is off", ".enabled");
      own = without(own, "enabled");
    }
    if (!Object.hasOwn(own, "token") && key !== "default") {
      noteChanged(at, "Accounts do not inherit a token here: add one");
    }
    setWithin(target, [key], account(own, at, root, false));
  }
  setWithin(root, ["accounts"], target);
  return root;
};

/** One account's keys, and rules that depend on several of them. */
function account(
  source: OpenclawSection,
  place: ImportedPlace,
  root: OpenclawSection,
  isRoot: boolean,
): ImportTarget {
  const named = source["dangerouslyAllowNameMatching"];
  const takesNames = named === undefined ? place.takesNames : named === true;
  const table = isRoot ? { ...ACCOUNT, accounts: dropped } : ACCOUNT;
  const target = applyRules<ImportTarget>(source, { ...place, takesNames }, table, {});
  closeDms(place, root, target);
  closeGuilds(source, place, root, target);
  return target;
}

/** Today's OpenClaw reads `open` without `"*"` as an allow list; that of 2026.2 refuses it. */
function closeDms(place: ImportedPlace, root: OpenclawSection, target: ImportTarget): void {
  const listed = valueAt(target, ["dm", "allowFrom"]) ?? valueAt(root, ["dm", "allowFrom"]);
  const isOpen = isList(listed) && listed.includes("*");
  if (valueAt(target, ["dm", "policy"]) !== "open" || isOpen) return;
  const why = '"open" needs "*" in allowFrom; without it, only the listed users can DM the bot';
  noteChanged(place, why, ".dm.policy");
  setWithin(target, ["dm", "policy"], "allowlist");
}

/** A list of guilds with no valid entry must stay a list: without it, other guilds may be open. */
function closeGuilds(
  source: OpenclawSection,
  place: ImportedPlace,
  root: OpenclawSection,
  target: ImportTarget,
): void {
  const [before, after] = [source["guilds"], target["guilds"]];
  const isEmptied = isRecord(before) && Object.keys(before).length > 0 &&
    isRecord(after) && Object.keys(after).length === 0;
  if (!isEmptied || (target["groupPolicy"] ?? root["groupPolicy"]) !== "open") return;
  const line = lineAt(source, "guilds");
  const why = "No guild of the list could be imported, so no guild is allowed until you list one";
  noteChanged({ ...place, line }, why, ".groupPolicy");
  setWithin(target, ["groupPolicy"], "allowlist");
}

/** If both spellings are written, today's OpenClaw reads its own. */
function newerFirst(source: OpenclawSection, place: ImportedPlace): OpenclawSection {
  let dm = source["dm"];
  for (const [newer, older] of [["dmPolicy", "policy"], ["allowFrom", "allowFrom"]] as const) {
    if (!Object.hasOwn(source, newer) || !isRecord(dm) || !Object.hasOwn(dm, older)) continue;
    const at = fieldAt(fieldAt(place, source, "dm"), dm, older);
    noteLeft(at, `${newer} overrides it`);
    dm = without(dm, older);
  }
  return dm === source["dm"] ? source : { ...source, dm };
}

/** Keys that accounts do not inherit, or not by such a merge. */
const OWN: readonly string[] = ["accounts", "enabled", "token", "name"];

/**
 * Gives each account all its keys of OpenClaw, if the account and the shared keys have a section of
 * the same name; otherwise nothing changes.
 *
 * An account's `guilds` replace the shared ones in OpenClaw, but are merged here, key by key (C6).
 * So one account's guild would be allowed for the other.
 */
function spread(source: OpenclawSection, place: SourceField): OpenclawSection {
  const accounts = source["accounts"];
  if (!isRecord(accounts)) return source;
  const shared = without(source, ...OWN);
  const isMerged = Object.values(accounts).some((own) =>
    Object.entries(shared).some(([key, ours]) => isRecord(ours) && isRecord(valueAt(own, [key])))
  );
  if (!isMerged) return source;
  const line = lineAt(source, "accounts");
  const why = "In OpenClaw, an account's section replaces the shared one; here, it is merged " +
    "with it. So each account has all its keys written";
  noteChanged({ ...place, line }, why, ".accounts");
  const hasDefault = Object.keys(accounts).some((key) => key.toLowerCase() === "default");
  const isServed = Object.hasOwn(source, "token") && !hasDefault;
  const full: ImportTarget = { ...accounts, ...(isServed && { default: {} }) };
  for (const [key, own] of Object.entries(full)) {
    if (isRecord(own)) full[key] = { ...shared, ...own };
  }
  const kept = without(source, ...Object.keys(shared));
  return { ...kept, accounts: full };
}

function without(source: OpenclawSection, ...keys: readonly string[]): OpenclawSection {
  const copy = { ...source };
  for (const key of keys) delete copy[key];
  return copy;
}
