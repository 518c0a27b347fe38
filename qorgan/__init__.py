"""qorgan"""
