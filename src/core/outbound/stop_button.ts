/**
 * The Stop button's name, by which a press is routed.
 *
 * @module
 */

/** The part of its `custom_id` before the first `:`. */
export const STOP_BUTTON = "stop";
