"""Everything of the Transfer Learning Lab that is not Streamlit."""
