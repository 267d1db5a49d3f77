/**
 * The record of one message: its verdicts, its turn, and the messages sent for it.
 *
 * @module
 */
