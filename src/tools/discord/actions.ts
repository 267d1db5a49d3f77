/**
 * All actions of the tool `discord`: a new one is an entry of a file in `groups/`, and nothing else.
 *
 * @module
 */

import type { Action } from "./action/action.ts";
import { CHANNEL_CHANGES } from "./groups/channel_changes.ts";
import { CHANNEL_ACTIONS } from "./groups/channels.ts";
import { EVENT_ACTIONS } from "./groups/events.ts";
import { EXPRESSION_ACTIONS } from "./groups/expressions.ts";
import { MEMBER_ACTIONS } from "./groups/members.ts";
import { MESSAGE_ACTIONS } from "./groups/messages.ts";
import { MODERATION_ACTIONS } from "./groups/moderation.ts";
import { OTHER_ACTIONS } from "./groups/others.ts";
import { PERMISSION_ACTIONS } from "./groups/permissions.ts";
import { PIN_ACTIONS } from "./groups/pins.ts";
import { POLL_ACTIONS } from "./groups/polls.ts";
import { REACTION_ACTIONS } from "./groups/reactions.ts";
import { SEARCH_ACTIONS } from "./groups/search.ts";
import { THREAD_ACTIONS } from "./groups/threads.ts";

/** All actions, with distinct names. */
export const ACTIONS: readonly Action[] = [
  ...MESSAGE_ACTIONS,
  ...REACTION_ACTIONS,
  ...EXPRESSION_ACTIONS,
  ...POLL_ACTIONS,
  ...PIN_ACTIONS,
  ...THREAD_ACTIONS,
  ...SEARCH_ACTIONS,
  ...CHANNEL_ACTIONS,
  ...CHANNEL_CHANGES,
  ...PERMISSION_ACTIONS,
  ...MEMBER_ACTIONS,
  ...EVENT_ACTIONS,
  ...MODERATION_ACTIONS,
  ...OTHER_ACTIONS,
];
