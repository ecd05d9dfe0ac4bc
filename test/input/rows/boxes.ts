import t from 'tap'
import { openTestBox } from '../../flows/box.ts'

/** The world of most rows, which run in it one after another. */
export const box = await openTestBox(t)
/** Rows in processes of their own run beside the others, in a world where nobody else changes anything. */
export const second = await openTestBox(t)
