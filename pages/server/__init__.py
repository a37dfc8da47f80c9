"""What the web server does beside Streamlit's own work: options, limits, readiness, its end."""
