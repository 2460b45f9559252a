"""Sites, equipment and how it is piped, meters, delivery points, controllers and outages."""
