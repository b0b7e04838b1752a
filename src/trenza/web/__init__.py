"""HTTP and WebSocket: who may come in, the GraphQL endpoint, the explorer, health."""
