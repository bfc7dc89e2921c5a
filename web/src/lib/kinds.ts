// The kinds of resource: what they are called and which colour they have.
import { tOr } from './i18n.svelte';
import { shared } from './session.svelte';

const colours: Record<string, string> = {
  'conference-room': 'room',
  'parking-space': 'parking',
  'company-vehicle': 'vehicle',
  equipment: 'equipment',
  'catering-service': 'catering',
};

export const kindColour = (type: string) => `var(--${colours[type] ?? 'strong-line'})`;
export const kindName = (type: string) => tOr('type.' + type, shared.types.find((x) => x.type === type)?.label ?? type);
