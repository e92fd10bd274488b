// The reason with which a subscription ends well: its listener stops, or runs it anew on another generation.

export const GRACEFUL = new Error('the subscription ends');
