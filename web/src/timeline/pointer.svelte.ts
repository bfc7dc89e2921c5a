// Dragging in the timeline: from the pointer's events to what is meant. A
// drag begins when the pointer has moved a little; before that it is a click.
// A finger scrolls and taps, it does not drag.
import type { Booking } from '../api';
import { dragged, type Drag, type Scale, type Span } from './geometry';

const slack = 4; // pixels

export interface Ghost extends Span {
  row: number;
  booking?: Booking;
}

interface Pull {
  drag: Drag;
  row: number;
  booking?: Booking;
  x: number;
  y: number;
  on: boolean;
}

export interface Surface {
  scale: () => Scale;
  step: number;
  timeAt: (e: PointerEvent) => number;
  rowAt: (e: PointerEvent) => number;
  /** Called when the pointer is let go after a drag. */
  done: (g: Ghost) => void;
}

export class Pointer {
  ghost = $state<Ghost | null>(null);
  #pull: Pull | null = null;
  #dropped = false;
  constructor(readonly on: Surface) {}

  /** Begins at a booking, one of its ends, or where nothing is. */
  press(e: PointerEvent, row: number, what: { booking: Booking; span: Span; part: 'move' | 'start' | 'end' } | null) {
    if (e.button !== 0 || e.pointerType === 'touch') return;
    const at = this.on.timeAt(e);
    const drag: Drag = !what
      ? { kind: 'create', anchor: at }
      : what.part === 'move'
        ? { kind: 'move', span: what.span, grab: at }
        : { kind: what.part, span: what.span };
    this.#pull = { drag, row, booking: what?.booking, x: e.clientX, y: e.clientY, on: false };
  }

  move(e: PointerEvent) {
    const p = this.#pull;
    if (!p) return;
    if (!p.on && Math.hypot(e.clientX - p.x, e.clientY - p.y) < slack) return;
    p.on = true;
    e.preventDefault();
    const span = dragged(p.drag, this.on.timeAt(e), this.on.scale(), this.on.step);
    this.ghost = { ...span, row: p.drag.kind === 'move' ? this.on.rowAt(e) : p.row, booking: p.booking };
  }

  /** Ends it; answers whether it was a drag, which the click that follows must not repeat. */
  release(): boolean {
    const g = this.ghost;
    const was = this.#pull?.on ?? this.#dropped;
    this.cancel();
    this.#dropped = false;
    if (g) this.on.done(g);
    return was;
  }

  /** Gives a drag up; what follows when the pointer is let go is still no click. */
  cancel() {
    this.#dropped = this.#pull?.on ?? false;
    this.#pull = null;
    this.ghost = null;
  }
}
