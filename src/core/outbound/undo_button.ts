/**
 * The Undo button's name, by which a press is routed.
 *
 * @module
 */

/** The part of its `custom_id` before the first `:`; the id of the turn's message follows. */
export const UNDO_BUTTON = "undo";
